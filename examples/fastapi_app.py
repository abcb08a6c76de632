"""The endpoint of a support tool, in FastAPI: it gives a signed-in engineer a link.

    POST /customers/user_customer/link  ->  201 {"id": "act_...", "url": "https://..."}

Write your own `engineer_of`. Then: `fastapi run fastapi_app.py`, or `uvicorn fastapi_app:app`.
Importing this needs no key. Who acts comes from the login, never from what the request says. The
engineer opens the link in a private window, since it signs the browser out.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response

from clerk_actor_tokens import ActorTokens, ClerkBaseError, ClerkErrors, SDKError

LINK_SECONDS = 600
IN_DOUBT = (
    "There may be a link that nobody has. Nobody can use it, and it ends by itself within "
    f"{LINK_SECONDS // 60} minutes. Do not just repeat this: that could make another. To revoke "
    "the link now: Clerk's dashboard, page Logs, shows it as actor_token.created, with its ID."
)

logger = logging.getLogger(__name__)
app = FastAPI()


def engineer_of(request: Request) -> Mapping[str, Any]:
    """Yours to write: return the claims of the session token if it is a support engineer's.

    Verify the token first, with Clerk's SDK or a JWT library, as for every page of your own; if it
    is in a cookie, refuse requests from other sites, too.
    """
    raise HTTPException(401, "Sign in as a support engineer.")


@lru_cache(maxsize=1)
def clerk_client() -> ActorTokens:
    """One client for all requests, made for the first. Tests replace it, and need no key."""
    return ActorTokens()


# `def`, and not `async def`: the client waits for Clerk, and FastAPI calls a `def` in a thread. In
# an `async def`, each call would stop the whole server.
@app.post("/customers/{customer}/link", status_code=201)
def create_link(
    customer: str,
    response: Response,
    claims: Annotated[Mapping[str, Any], Depends(engineer_of)],
    clerk: Annotated[ActorTokens, Depends(clerk_client)],
) -> dict[str, str | None]:
    if "act" in claims:  # then "sub" is a customer, who would become the actor
        raise HTTPException(403, "You are signed in as somebody else. Sign in as yourself.")
    try:
        token = clerk.create(customer, actor=claims["sub"], expires_in_seconds=LINK_SECONDS)
    except ValueError as error:  # nothing was sent; the text quotes no argument
        raise HTTPException(400, str(error)) from None
    except ClerkBaseError as error:
        logger.error("%s", error)  # its text holds no secret; its `body` may
        raise explain(error) from None
    # Keep the ID: it revokes the link, and Clerk lists none. (Many logs drop an "info".)
    logger.warning("%s was given %s, for %s", claims["sub"], token.id, customer)
    response.headers["Cache-Control"] = "no-store"
    return {"id": token.id, "url": token.url}


def explain(error: ClerkBaseError) -> HTTPException:
    """The response to the engineer if there is no link, or none that came back."""
    if error.outcome_unknown:
        return HTTPException(500, IN_DOUBT)  # no 502, 503 or 504: some proxies repeat after them
    if isinstance(error, SDKError) and error.status_code == 429:
        seconds = math.ceil(error.retry_after or 10)
        text = f"Clerk has too many requests. Try again in {seconds} seconds."
        return HTTPException(503, text, {"Retry-After": str(seconds)})
    # The customer's ID is wrong; or, with 422, the plan's impersonations are used up. Clerk's text
    # tells which. (A 404 without Clerk's errors is a gateway's, or of a wrong CLERK_API_URL.)
    if isinstance(error, ClerkErrors) and error.status_code in (404, 422):
        return HTTPException(error.status_code, str(error))
    return HTTPException(502, "There is no link. The log says why.")
