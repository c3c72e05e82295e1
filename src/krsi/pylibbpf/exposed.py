"""
Classes and methods as if pybind11 had made them: how they take arguments, refuse them and describe themselves.

Programs written for PyPI's pylibbpf see these texts in tracebacks and compare types by name. What these classes have of
their own and the original has not is named between double underscores, so that nobody finds it by ``dir()``.
"""

import operator
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MethodType
from typing import Any

MODULE = "pylibbpf.pylibbpf"
_INT_MIN, _INT_MAX = -(1 << 31), (1 << 31) - 1


_CLASSES: defaultdict[str, list[type]] = defaultdict(list)  # both dialects' classes, by the name that they share


class MismatchError(Exception):
    """An argument is not of the type that a signature names."""


class Exposed(type):
    """
    The type of the classes of the extension module.

    pybind11 gives a class its full name where CPython's own messages take it from, and the short one to whoever asks:
    so ``len(map)`` says "object of type 'pylibbpf.pylibbpf.BpfMap' has no len()".
    """

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], public: str = "") -> "Exposed":
        cls = super().__new__(mcs, name, bases, namespace)
        if public:
            cls.__module__, cls.__qualname__ = MODULE, public
            type.__dict__["__name__"].__set__(cls, f"{MODULE}.{public}")
            _CLASSES[f"{MODULE}.{public}"].append(cls)
        return cls

    @property
    def __name__(cls) -> str:  # type: ignore[override]
        return cls.__qualname__

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        made = super().__call__(*args, **kwargs)
        if not made.__made__():
            base = next(base for base in cls.__mro__ if base.__module__ == MODULE)
            raise TypeError(f"{tp_name(base)}.__init__() must be called when overriding __init__")
        return made


def tp_name(cls: type) -> str:
    """Return the name of a class as CPython's messages have it."""
    name: str = type.__dict__["__name__"].__get__(cls)
    return name


class Base(metaclass=Exposed):
    """What all classes of the extension module share."""

    __slots__ = ("__weakref__",)

    def __made__(self) -> bool:
        """Whether a constructor has run."""
        return True

    def __reduce_ex__(self, protocol: object) -> Any:
        raise TypeError(f"cannot pickle '{tp_name(type(self))}' object")


class BaseUnmakeable(Base):
    """A class whose objects only its module makes."""

    __slots__ = ()

    def __init__(self, *_args: object, **_kwargs: object) -> None:
        raise TypeError(f"{tp_name(type(self))}: No constructor defined!")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a signature; ``default`` is empty or the one value."""

    name: str
    type: str
    default: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}: {self.type}" + "".join(f" = {value!r}" for value in self.default)


@dataclass(frozen=True, slots=True)
class Overload:
    """One signature, and what runs when arguments fit it."""

    parameters: Sequence[Parameter]
    returns: str
    body: Callable[..., Any]

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.parameters))}) -> {self.returns}"

    def bound(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any] | None:
        """Return the value of each parameter, converted, or None if they do not fit."""
        given, rest = self.parameters[: len(args)], dict(kwargs)
        if len(args) > len(self.parameters) or any(parameter.name in rest for parameter in given):
            return None
        values = [*args]
        for parameter in self.parameters[len(args) :]:
            if parameter.name in rest:
                values.append(rest.pop(parameter.name))
            elif parameter.default:
                values.append(parameter.default[0])
            else:
                return None
        return None if rest else self._converted(values)

    def _converted(self, values: Sequence[Any]) -> list[Any] | None:
        try:
            return [conversion(parameter.type)(value) for parameter, value in zip(self.parameters, values, strict=True)]
        except MismatchError:
            return None


class Function:
    """A method, or several of one name that are tried in turn."""

    def __init__(self, name: str, overloads: Sequence[Overload]) -> None:
        self.__name__ = name
        self._overloads = overloads
        self.__doc__ = self._described()

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        for overload in self._overloads:
            values = overload.bound(args, kwargs)
            if values is not None:
                return overload.body(*values)
        raise TypeError(self._refusal(args, kwargs))

    def _described(self) -> str:
        if len(self._overloads) == 1:
            return f"{self.__name__}{self._overloads[0]}\n"
        numbered = [f"{at}. {self.__name__}{overload}\n" for at, overload in enumerate(self._overloads, 1)]
        return f"{self.__name__}(*args, **kwargs)\nOverloaded function.\n\n" + "\n".join(numbered)

    def _refusal(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        constructor = self.__name__ == "__init__"
        kind = "constructor" if constructor else "function"
        head = f"{self.__name__}(): incompatible {kind} arguments."
        lines = [f"{head} The following argument types are supported:"]
        for at, overload in enumerate(self._overloads, 1):
            lines.append(f"    {at}. {_construction(overload) if constructor else overload}")
        invoked = [repr(arg) for arg in args[1 if constructor else 0 :]]
        named = ", ".join(f"{name}={value!r}" for name, value in kwargs.items())
        parts = [", ".join(invoked)] * bool(invoked) + [f"kwargs: {named}"] * bool(named)
        return "\n".join([*lines, "", f"Invoked with: {'; '.join(parts)}"])


def _construction(overload: Overload) -> str:
    own, *rest = overload.parameters
    return f"{own.type}({', '.join(map(str, rest))})"


def method(own: str, *parameters: Parameter, returns: str) -> Callable[[Callable[..., Any]], Function]:
    """Expose a function as the method of the class *own* that has this signature."""

    def expose(body: Callable[..., Any]) -> Function:
        return Function(body.__name__, [overload(own, *parameters, returns=returns, body=body)])

    return expose


def overload(own: str, *parameters: Parameter, returns: str, body: Callable[..., Any]) -> Overload:
    """Return a signature of a method of the class *own*."""
    return Overload((Parameter("self", f"{MODULE}.{own}"), *parameters), returns, body)


def _any(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise MismatchError from None
        return value
    if isinstance(value, bytes | bytearray):
        return value.decode(errors="surrogateescape")
    raise MismatchError


def _int(value: Any) -> int:
    if isinstance(value, float) or not (hasattr(value, "__index__") or hasattr(value, "__int__")):
        raise MismatchError
    try:
        number = operator.index(value) if hasattr(value, "__index__") else int(value)
    except (TypeError, ValueError, OverflowError):
        raise MismatchError from None
    if not _INT_MIN <= number <= _INT_MAX:
        raise MismatchError
    return number


def _callable(value: Any) -> Any:
    if not callable(value):
        raise MismatchError
    return value


def _a(kind: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not isinstance(value, kind):
            raise MismatchError
        return value

    return check


@cache
def conversion(name: str) -> Callable[[Any], Any]:
    """Return what makes an argument one of the type that a signature calls *name*, or raises MismatchError."""
    classes = _CLASSES[name]  # grows as they are defined

    def check(value: Any) -> Any:
        if not any(isinstance(value, cls) for cls in classes):
            raise MismatchError
        return value

    return _CONVERSIONS.get(name, check)


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "object": _any,
    "str": _text,
    "bytes": _a(bytes),
    "dict": _a(dict),
    "typing.SupportsInt": _int,
    "collections.abc.Callable": _callable,
}
