"""What administrators send: accounts, changes of them, keys. The same checks as query parameters, every message in both languages."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from services.api import labels
from services.api.identity import EVERYTHING, Role
from services.api.parameters import Text, Time, wrong
from services.api.sessions import Body

LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}", re.ASCII)
DIVISION = re.compile(r"\d{2,12}", re.ASCII)
MOST = 200


def _login(text: str) -> str:
    if not LOGIN.fullmatch(text):
        raise wrong("login")
    return text


def _division(text: str) -> str:
    if not DIVISION.fullmatch(text):
        raise wrong("division")
    return text


def _one_of(allowed: tuple[str, ...]) -> AfterValidator:
    def check(text: str) -> str:
        if text not in allowed:
            raise wrong("one_of", allowed=" ".join(allowed))
        return text

    return AfterValidator(check)


PERMISSION_NAMES = tuple(sorted(EVERYTHING))
Login = Annotated[
    str, AfterValidator(_login), Field(description="登录名 · login: lower-case letters, digits and . _ @ -")
]
RoleName = Annotated[Role, Field(description="角色 · role")]
Division = Annotated[str, AfterValidator(_division)]
ClassName = Annotated[
    str,
    _one_of(labels.codes(labels.CLASSES)),
    Field(json_schema_extra={"enum": list(labels.codes(labels.CLASSES))}),
]
PermissionName = Annotated[
    str, _one_of(PERMISSION_NAMES), Field(json_schema_extra={"enum": list(PERMISSION_NAMES)})
]
Name = Annotated[Text, Field(description="姓名或名称 · what others read")]
Subject = Annotated[Text, Field(description="统一身份认证中的 sub · `sub` at the identity provider")]


class ScopeBody(Body):
    """Which rows; null: all. All three hold at once."""

    divisions: Annotated[list[Division], Field(min_length=1, max_length=MOST)] | None = Field(
        default=None, description="行政区划代码前缀 · prefixes of division codes"
    )
    operators: Annotated[list[Text], Field(min_length=1, max_length=MOST)] | None = Field(
        default=None, description="企业名称 · operators by name"
    )
    classes: Annotated[list[ClassName], Field(min_length=1, max_length=MOST)] | None = Field(
        default=None, description="车辆类别 · vehicle classes"
    )


class NewAccountBody(Body):
    """An account to be made."""

    login: Login
    name: Name
    role: RoleName
    scope: ScopeBody = ScopeBody()
    oidc_subject: Subject | None = None


class AccountChange(Body):
    """What is to be changed; what is left out stays."""

    name: Name | None = None
    role: RoleName | None = None
    scope: ScopeBody | None = None
    active: bool | None = Field(default=None, description="是否启用 · whether it may sign in", strict=True)
    oidc_subject: Subject | None = Field(default=None, description="null: 不再关联 · null: no longer linked")


class NewKey(Body):
    """A key to be made."""

    name: Name
    scopes: Annotated[list[PermissionName], Field(min_length=1, max_length=50)] = Field(
        description="权限 · permissions, a part of the account's"
    )
    networks: Annotated[list[Text], Field(max_length=50)] = Field(
        default=[], description="允许的来源网段,空为不限 · may be used from; empty: anywhere"
    )
    expires: Time | None = Field(
        default=None, description="有效期至,缺省一年 · good until; default: a year, at most three"
    )


class KeyLimits(Body):
    """Narrower limits for a key; what is left out stays."""

    scopes: Annotated[list[PermissionName], Field(min_length=1, max_length=50)] | None = Field(
        default=None, description="权限,只减不增 · permissions, of those it has"
    )
    networks: Annotated[list[Text], Field(max_length=50)] | None = Field(
        default=None, description="允许的来源网段,只减不增 · may be used from, within what it has"
    )
    expires: Time | None = Field(
        default=None, description="有效期至,只提前 · good until, no later than it is"
    )


class Reset(Body):
    """What else ends with a password."""

    revoke_keys: bool = Field(
        default=False,
        strict=True,
        description="同时停用该账号的全部密钥 · revoke all keys of the account, too",
    )


class Code(Body):
    """A one-time code."""

    code: Annotated[
        str, Field(pattern=r"^\d{6}$", description="验证器上的 6 位数字 · six digits of the authenticator")
    ]


class Password(Body):
    """One's own password, asked for again."""

    password: Annotated[
        str, Field(min_length=1, max_length=1000, description="现密码 · the present password")
    ]
