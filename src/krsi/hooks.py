"""
The hook table: where the kernel asks, for which accesses, since when, and what it cannot see there.

``tests/unit/test_hooks.py`` holds it against the object's programs, ``enum krsi_hook`` and the guest tests.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hook:
    """
    One LSM hook, by the kernel's name for it.

    :param operation: what events call it
    :param access: the accesses that are asked about; the program is loaded when a policy decides one of them.
        None for a hook that is always needed
    :param since: the first Linux release that has it
    :param says: when the kernel calls it
    :param blind: what escapes it, and what to do about that
    :param instead: what covers it on a kernel that does not have it; None if such a kernel cannot enforce the accesses
    """

    name: str
    operation: str
    access: frozenset[str] | None
    since: str
    says: str
    source: str
    blind: str = ""
    instead: str | None = None


INHERIT = "file.inherit"
"""The operation of a descriptor that an exec is refused for."""


def _of(words: str) -> frozenset[str]:
    return frozenset(words.split())


HOOKS = (
    Hook(
        "file_open",
        "file.open",
        _of("read write append create mount"),
        "5.7",
        "A file is opened: one decision per open file description. To append asks for no more than that. A mount "
        "namespace is opened, to be entered: also by open_tree(2), which since Linux 7.0 can make one.",
        "fs/open.c do_dentry_open()",
        blind="Descriptors opened before are not asked about again, see bprm_check_security and file_receive. "
        "From Linux 6.9 on, pwritev2(2) with RWF_NOAPPEND writes anywhere through a descriptor that may only append, "
        "and on every kernel fallocate(2) can punch holes through one: no hook tells these from other writes. "
        "In a folder that takes upper and lower case for one (vfat, ext4 with casefold) a file has the name that it "
        "was looked up by: allow what may be used there rather than deny what may not.",
    ),
    Hook(
        "file_receive",
        "file.receive",
        _of("read write append mount"),
        "5.7",
        "A descriptor comes over a socket, or is taken from another task by pidfd_getfd(2).",
        "fs/file.c receive_fd()",
    ),
    Hook(
        "file_fcntl",
        "file.fcntl",
        _of("write"),
        "5.7",
        "A descriptor that was opened to append stops appending.",
        "fs/fcntl.c fcntl()",
    ),
    Hook("file_ioctl", "file.ioctl", _of("ioctl"), "5.7", "An ioctl(2) on a file.", "fs/ioctl.c ioctl()"),
    Hook(
        "file_ioctl_compat",
        "file.ioctl",
        _of("ioctl"),
        "6.8",
        "An ioctl(2) by a 32-bit program.",
        "fs/ioctl.c compat_ioctl()",
        instead="file_ioctl, which is called for both",
    ),
    Hook("file_lock", "file.lock", _of("lock"), "5.7", "A lock on a file: flock(2), fcntl(2).", "fs/locks.c"),
    Hook(
        "file_truncate",
        "file.truncate",
        _of("truncate"),
        "6.2",
        "An open file is truncated: ftruncate(2), and open(2) with O_TRUNC.",
        "fs/open.c do_ftruncate()",
        instead="path_truncate",
    ),
    Hook(
        "mmap_file",
        "file.map",
        _of("map write"),
        "5.7",
        "A file is mapped as code; or shared, though it may only be appended to.",
        "mm/util.c vm_mmap_pgoff()",
        blind="Memory without a file is not asked about.",
    ),
    Hook(
        "file_mprotect",
        "file.mprotect",
        _of("map"),
        "5.7",
        "A mapping of a file becomes code.",
        "mm/mprotect.c mprotect_fixup()",
        blind="On an overlay, since Linux 6.7, what is mapped is a layer's file, which has no path in the namespace: "
        "it is refused to become code. Mapping it as code to begin with is decided by its path.",
    ),
    Hook(
        "path_mknod",
        "file.mknod",
        _of("create mknod"),
        "5.7",
        "A file that is no folder and no link is made, also by open(2) and bind(2).",
        "fs/namei.c may_o_create(), do_mknodat()",
        blind="open(2) with O_CREAT asks before it has looked whether the file exists, if nobody opened it lately: "
        "then a refusal to create is told, and the open goes on if what exists may be opened.",
    ),
    Hook("path_mkdir", "file.mkdir", _of("create"), "5.7", "A folder is made.", "fs/namei.c do_mkdirat()"),
    Hook("path_symlink", "file.symlink", _of("create"), "5.7", "A symbolic link is made.", "fs/namei.c do_symlinkat()"),
    Hook("path_link", "file.link", _of("link"), "5.7", "An object gets one more name.", "fs/namei.c do_linkat()"),
    Hook("path_unlink", "file.unlink", _of("delete"), "5.7", "A name is removed.", "fs/namei.c do_unlinkat()"),
    Hook("path_rmdir", "file.rmdir", _of("delete"), "5.7", "A folder is removed.", "fs/namei.c do_rmdir()"),
    Hook(
        "path_rename",
        "file.rename",
        _of("rename"),
        "5.7",
        "An object gets another name, or two change theirs. A folder is refused a name that would mean other rights "
        "for what lies in it.",
        "fs/namei.c do_renameat2()",
    ),
    Hook(
        "path_truncate",
        "file.truncate",
        _of("truncate"),
        "5.7",
        "A file is truncated by its path: truncate(2).",
        "fs/open.c vfs_truncate()",
    ),
    Hook("path_chmod", "file.chmod", _of("chmod"), "5.7", "Permission bits are changed.", "fs/open.c chmod_common()"),
    Hook("path_chown", "file.chown", _of("chown"), "5.7", "Owner or group are changed.", "fs/open.c chown_common()"),
    Hook(
        "inode_setattr",
        "file.setattr",
        _of("setattr"),
        "5.7",
        "Times are set: utimensat(2).",
        "fs/attr.c notify_change()",
        blind="The mount is not known: an object with several names in the task's namespace must be allowed by all.",
    ),
    Hook(
        "inode_file_setattr",
        "file.setattr",
        _of("setattr"),
        "6.17",
        "Inode flags are set: file_setattr(2).",
        "fs/file_attr.c vfs_fileattr_set()",
        instead="file_ioctl, for chattr(1) uses ioctl(2) there",
    ),
    Hook(
        "inode_setxattr",
        "file.setxattr",
        _of("setxattr"),
        "5.7",
        "An extended attribute is set.",
        "fs/xattr.c __vfs_setxattr_locked()",
        blind="As inode_setattr.",
    ),
    Hook(
        "inode_removexattr",
        "file.setxattr",
        _of("setxattr"),
        "5.7",
        "An extended attribute is removed.",
        "fs/xattr.c __vfs_removexattr_locked()",
    ),
    Hook(
        "inode_set_acl",
        "file.setxattr",
        _of("setxattr"),
        "6.2",
        "An access control list is set.",
        "fs/posix_acl.c vfs_set_acl()",
        instead="inode_setxattr",
    ),
    Hook(
        "inode_remove_acl",
        "file.setxattr",
        _of("setxattr"),
        "6.2",
        "An access control list is removed.",
        "fs/posix_acl.c vfs_remove_acl()",
        instead="inode_removexattr",
    ),
    Hook("inode_getattr", "file.getattr", _of("getattr"), "5.7", "stat(2) and its kin.", "fs/stat.c vfs_getattr()"),
    Hook(
        "inode_getxattr",
        "file.getattr",
        _of("getattr"),
        "5.7",
        "An extended attribute is read.",
        "fs/xattr.c vfs_getxattr()",
    ),
    Hook(
        "inode_listxattr",
        "file.getattr",
        _of("getattr"),
        "5.7",
        "Extended attributes are listed.",
        "fs/xattr.c vfs_listxattr()",
    ),
    Hook(
        "bprm_creds_for_exec",
        "exec",
        None,
        "5.8",
        "An execve(2) begins.",
        "fs/exec.c bprm_execve()",
    ),
    Hook(
        "bprm_check_security",
        "exec",
        None,
        "5.7",
        "A file is about to be executed; asked again for each interpreter that it leads to.",
        "fs/exec.c search_binary_handler()",
        blind="What an interpreter reads as a program is a read to the kernel: `sh file` asks sh to read it.",
    ),
    Hook(
        "bprm_creds_from_file",
        INHERIT,
        None,
        "5.8",
        "An exec is about to be committed: descriptors that its new domain would not have been given refuse it.",
        "fs/exec.c begin_new_exec()",
        blind="Standard streams that an unconfined task hands over are not asked about if they are character devices, "
        "or can only be written to.",
    ),
    Hook(
        "bprm_committing_creds",
        "exec",
        None,
        "5.7",
        "An exec can no longer fail: the task enters its domain.",
        "fs/exec.c begin_new_exec()",
    ),
    Hook("task_alloc", "task.alloc", None, "5.7", "A task is made: it inherits the domain.", "kernel/fork.c"),
    Hook(
        "inode_free_security",
        "inode.free",
        None,
        "5.7",
        "An inode is freed: what was known of it is forgotten.",
        "fs/inode.c __destroy_inode()",
    ),
    Hook("sb_mount", "system.mount", _of("mount"), "5.7", "mount(2).", "fs/namespace.c path_mount()"),
    Hook("sb_umount", "system.mount", _of("mount"), "5.7", "umount2(2).", "fs/namespace.c do_umount()"),
    Hook("sb_pivotroot", "system.mount", _of("mount"), "5.7", "pivot_root(2).", "fs/namespace.c path_pivot_root()"),
    Hook("move_mount", "system.mount", _of("mount"), "5.7", "move_mount(2).", "fs/namespace.c vfs_move_mount()"),
)

BY_NAME = {hook.name: hook for hook in HOOKS}
