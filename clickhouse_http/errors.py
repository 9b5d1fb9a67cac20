"""ClickHouse's errors: the codes this protocol raises itself, and each code's HTTP status.

Names and numbers as the engine's `errorCodeToName` gives them.
"""

from clickhouse_http.question import Refusal

_UNAUTHORIZED = frozenset({194})  # REQUIRED_PASSWORD
_FORBIDDEN = frozenset(
    # UNKNOWN_USER, WRONG_PASSWORD, ACCESS_DENIED, SET_NON_GRANTED_ROLE, AUTHENTICATION_FAILED
    {192, 193, 497, 512, 516}
)
_BAD_REQUEST = frozenset(
    # CANNOT_PARSE_TEXT, THERE_IS_NO_COLUMN, DUPLICATE_COLUMN, CANNOT_PARSE_ESCAPE_SEQUENCE,
    # CANNOT_PARSE_QUOTED_STRING, CANNOT_PARSE_INPUT_ASSERTION_FAILED, BAD_ARGUMENTS,
    # UNKNOWN_ELEMENT_IN_AST, CANNOT_PARSE_DATE, CANNOT_PARSE_DATETIME, ILLEGAL_COLUMN
    {6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44}
    # TYPE_MISMATCH, SYNTAX_ERROR, CANNOT_PARSE_NUMBER, INCORRECT_DATA,
    # UNKNOWN_TYPE_OF_AST_NODE, TOO_DEEP_AST, TOO_BIG_AST, UNEXPECTED_AST_STRUCTURE
    | {53, 62, 72, 117, 123, 167, 168, 223}
    # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE, CANNOT_PARSE_UUID, CANNOT_COMPILE_REGEXP,
    # CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING, CANNOT_PARSE_IPV4, CANNOT_PARSE_IPV6
    | {321, 376, 427, 441, 675, 676}
)
_NOT_FOUND = frozenset(
    # UNKNOWN_FUNCTION, UNKNOWN_IDENTIFIER, UNKNOWN_TYPE, UNKNOWN_STORAGE, UNKNOWN_TABLE,
    # UNKNOWN_AGGREGATE_FUNCTION, UNKNOWN_FORMAT, UNKNOWN_TYPE_OF_QUERY, UNKNOWN_DATABASE,
    # UNKNOWN_SETTING, UNKNOWN_DIRECTION_OF_SORTING, UNKNOWN_DATABASE_ENGINE, UNKNOWN_ROLE
    {46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511}
)
_OTHERS = {
    48: 501,  # NOT_IMPLEMENTED
    76: 503,  # CANNOT_OPEN_FILE
    159: 408,  # TIMEOUT_EXCEEDED
    209: 503,  # SOCKET_TIMEOUT
    229: 413,  # QUERY_IS_TOO_LARGE
    381: 411,  # HTTP_LENGTH_REQUIRED
    439: 503,  # CANNOT_SCHEDULE_TASK
    779: 415,  # UNSUPPORTED_MEDIA_TYPE
}


def http_status(code: int) -> int:
    """Return the HTTP status under which ClickHouse reports an error code; most are a 500."""
    if code in _UNAUTHORIZED:
        return 401
    if code in _FORBIDDEN:
        return 403
    if code in _BAD_REQUEST:
        return 400
    if code in _NOT_FOUND:
        return 404
    return _OTHERS.get(code, 500)


def error_body(refusal: Refusal) -> bytes:
    """Return the error as the text of an answer."""
    stop = "" if refusal.message.endswith((".", "!", "?")) else "."
    text = f"Code: {refusal.code}. DB::Exception: {refusal.message}{stop} ({refusal.name})\n"
    return text.encode()


def bad_arguments(message: str) -> Refusal:
    """Say that a request can't be read."""
    return Refusal(36, "BAD_ARGUMENTS", message)


def bad_syntax(message: str) -> Refusal:
    """Say that a statement can't be read."""
    return Refusal(62, "SYNTAX_ERROR", message)


def too_large(message: str) -> Refusal:
    """Say that a request is larger than what is read."""
    return Refusal(229, "QUERY_IS_TOO_LARGE", message)


def not_implemented(message: str) -> Refusal:
    """Say that the protocol has this and this server has not."""
    return Refusal(48, "NOT_IMPLEMENTED", message)


def not_logged_in(user: str) -> Refusal:
    """Say that name and password don't fit, in the words ClickHouse's clients look for."""
    return Refusal(
        516,
        "AUTHENTICATION_FAILED",
        f"{user}: Authentication failed: password is incorrect,"
        " or there is no user with such name.",
    )
