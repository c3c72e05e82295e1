"""Every sentence that the language can say about a policy; tests/golden shows each of them in use."""

from enum import Enum, StrEnum, unique


class Severity(StrEnum):
    """An error keeps a policy from being loaded, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@unique
class Fault(Enum):
    """
    What is wrong, and what would be right.

    :ivar message: a template; what it is filled with is the author's own words
    :ivar hint: another; empty where the nearest valid spelling is the hint, or where there is none
    """

    # --- files
    NOT_FOUND = "no such file or folder"
    UNREADABLE = "cannot be read: {why}"
    NO_POLICY = ("no policy in this folder", "policies are files named *.yaml or *.yml, in it or below it")
    NOT_REGULAR = "neither a file nor a folder"
    SYMLINK = ("a symbolic link; root follows none to a policy", "name what it points to")
    OWNER = ("belongs to user {uid}, who could change what root enforces", "chown root {name}")
    WRITABLE = ("{who} can write to it, and so change what root enforces", "chmod go-w {name}")
    TOO_LARGE = "the policy is larger than {limit} MiB"
    TOO_MANY_FILES = "the policy is spread over more than {limit} files and folders"
    FOLDERS_TOO_DEEP = "folders are nested more than {limit} deep"
    NOT_UTF8 = ("byte 0x{byte} is not UTF-8", "save the file as UTF-8; a pattern says \\x{byte} for the byte itself")
    CHARACTER = ("a policy may not hold the character U+{code}", "a pattern says {escape} for it")

    # --- YAML
    UNQUOTED = ("{word} needs quotes: '{sign}' means something to YAML here", "write {quoted}")
    TAB = ("YAML is not indented by tabs", "use spaces")
    UNCLOSED = ("no end to what this {sign} begins", "the closing one is missing, or a comma before what comes next")
    INDENTED = "this line is not indented as those that it belongs to"
    SECOND_COLON = (
        "a second colon in one value",
        "put a comma or a line break before the next key; quote a text that holds ': '",
    )
    BEHIND_QUOTES = ("something follows a quoted text", "the quotes go around all of it; a comma stands between values")
    NO_CONTENT = ("expected a value here", "quote a pattern that begins with a sign of YAML's")
    NO_COLON = ("neither 'key: value' nor '- item'", "a colon needs a space after it")
    ESCAPE = ("no such escape in a double-quoted text", "put it in single quotes, in which a backslash is itself")
    NOT_YAML = "not YAML: {problem}"
    TAG = ("a policy uses no YAML tags", "quote a pattern that begins with '!'")
    MERGE = ("a policy uses no YAML merge keys", "what profiles share goes into an abstraction")
    KEY = ("expected a word as key, not {found}", "quote a pattern that begins with '{{' or '['")
    DUPLICATE_KEY = "'{word}' is here twice"
    ALIAS = ("'*{word}' refers to nothing above", 'quote a pattern: "*{word}"')
    TOO_DEEP = "nested more than {limit} deep"
    TOO_MANY_NODES = "the policy has more than {limit} values, aliases counted wherever they stand"
    DOCUMENTS = ("a policy file is one YAML document, and a second begins here", "remove the '---'")
    NOT_A_LIST = ("a policy file is a list, not {found}", "begin each item with '- ': '- profile: NAME'")

    # --- shapes
    TYPE = "expected {expected}, not {found}"
    TYPE_PATTERN = ("expected {expected}, not {found}", "quote a pattern that begins with '{{' or '['")
    FLAG = ("expected true or false, not {found}", "without quotes; yes, no, on and off are words like any other")
    NO_VALUE = "'{key}' has no value"
    EMPTY_ITEM = "an item of '{key}' is empty"
    EMPTY_LIST = "'{key}' is an empty list"
    UNKNOWN_KEY = ("{what} has no key '{word}'", "it may have {known}")
    COMMA = ("{what} has no key '{word}'", "if the comma before it belongs to a pattern, quote the pattern")
    COLON = ("{what} has no key '{word}'", "a colon needs a space after it")
    MISPLACED = ("{what} has no key '{word}'", "{right}")
    MISSING_KEY = "{what} needs '{key}'"
    NOT_YET = "{subject} not enforced by this version of krsi yet; nothing is loaded"
    UNKNOWN_WORD = ("'{word}' is not {what}", "one of {known}")
    LINE_BREAK = ("a line break in a pattern", "keep it on one line, in quotes; \\x0a stands for the character itself")
    NAME = (
        "'{word}' is not a name",
        "letters, digits and _ . + @ -, a letter, digit or _ first, at most {limit} in all",
    )
    RESERVED = ("no profile can be called '{word}'", "the word means something else where profiles are named")
    USER = (
        "'{word}' is neither a user's name nor a number from 0 to {limit}",
        "a number is decimal or 0x…, and not quoted",
    )

    # --- items and names
    ITEM = ("'{word}' is no item of a policy", "an item begins with one of {known}")
    ITEM_FIRST = ("the first key of an item says what it is, and '{word}' does not", "put '{kind}' first")
    DUPLICATE_NAME = "{kind} '{word}' is here twice"
    UNDEFINED = "there is no {kind} '{word}'"
    INCLUDE_CYCLE = "abstraction '{word}' includes itself: {chain}"
    VARIABLE_NAME = ("'{word}' is not the name of a variable", "letters, digits and _, a letter first")
    VARIABLE_CYCLE = "variable '{word}' refers to itself: {chain}"
    TOO_MANY_RULES = (
        "the profiles have more than {limit} rules, those of abstractions counted wherever they are included"
    )

    # --- rules
    NO_VERB = ("a rule says what it does", "{form}")
    TWO_VERBS = "a rule does one thing, and this does '{first}' and '{second}'"
    EXEC_LETTER = ("'{word}': executing is not an access to files", "write a rule under exec:, {{allow: /bin/sh}}")
    PATTERN = ("{problem}", "{remedy}")
    LONG_PATTERN = "a pattern of more than {limit} characters"
    TOO_MUCH_EXPANDED = "the patterns with variables are larger than {limit} MiB, these replaced by their values"
    SILENT_AUDIT = ("an audit rule does nothing but log, and this says that it does not", "remove the rule, or 'log'")
    ENTERS_REFUSED = ("'as' says what an allowed program runs as, and this rule says '{verb}'", "only allow takes 'as'")
    TIE_EXEC = ("the same pattern leads to {one} and to {other}", "one of the rules has to go, or be more specific")
    TIE_MATCH = (
        "profiles '{one}' and '{other}' are entered by the same tasks",
        "one needs a more specific exe, or uid",
    )
    TIE_EXEC_OVERLAP = (
        "of what matches here, which leads to {one}, some matches an equally specific pattern that leads to {other}",
        "make one of the patterns more specific",
    )
    TIE_MATCH_OVERLAP = (
        "of the programs that enter profile '{one}' some enter profile '{other}' by an equally specific pattern",
        "one needs a more specific exe, or uid",
    )
    TOO_MANY_USERS = ("the same programs are matched for more than {limit} users", "leave 'uid' out of one profile")
    NO_USER = ("there is no user '{word}' on this machine", "a number need not have a name")

    # --- tests
    NO_ACCESS = ("a case says what is tried", "{{read: /etc/hosts, expect: allow}}")
    TWO_ACCESSES = "a case tries one thing, and this tries '{first}' and '{second}'"
    NO_TARGET = ("{word} needs the second name", "to: /other/path")
    TARGET_MISPLACED = "'to' goes with rename and link, not with '{word}'"
    ENTERS_MISPLACED = (
        "'as' says what a program runs as, and this case does not expect one to run",
        "exec …, expect: allow",
    )
    WILDCARD = ("a test tries one path, and this stands for several", "such as {sample}")
    TOO_MANY_PATHS = "the variables in this path make more than {limit} cases of it"

    # --- warnings
    UNREACHABLE = (
        "no task ever enters profile '{word}'",
        "it has no match, and no exec rule of another profile says 'as: {word}'",
        Severity.WARNING,
    )
    ENTERS_OFF = (
        "profile '{word}' is off: what this rule runs is unconfined",
        "say 'as: unconfined' if that is meant",
        Severity.WARNING,
    )
    NOT_DECIDED = (
        "{word} is not decided in profile '{profile}', so it is always allowed",
        "{why}",
        Severity.WARNING,
    )

    def __init__(self, message: str, hint: str = "", severity: Severity = Severity.ERROR) -> None:
        self.message = message
        self.hint = hint
        self.severity = severity
