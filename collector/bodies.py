"""Bodies of requests that are no hits, read up to a bound."""

from starlette.requests import Request

from collector.receive import BadRequest


async def read_body(request: Request, most: int) -> bytes:
    """Read a body of at most `most` bytes.

    Raises:
        BadRequest: it is longer; status 413 (RFC 9110 section 15.5.14).
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise BadRequest("body", f"must be at most {most} bytes", status=413)
    return body
