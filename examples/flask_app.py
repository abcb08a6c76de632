"""The endpoint of a support tool, in Flask: it gives a signed-in engineer a link.

    POST /customers/user_customer/link  ->  201 {"id": "act_...", "url": "https://..."}

In your wsgi.py: `app = create_app(ActorTokens(), engineer_of)`, with an `engineer_of` of your own.
Importing this needs no key. Who acts comes from the login, never from what the request says. The
engineer opens the link in a private window, since it signs the browser out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Optional

from flask import Flask, Request, request
from flask.typing import ResponseReturnValue

from clerk_actor_tokens import ActorTokens, ClerkBaseError, ClerkErrors, SDKError

LINK_SECONDS = 600
IN_DOUBT = (
    "There may be a link that nobody has. Nobody can use it, and it ends by itself within "
    f"{LINK_SECONDS // 60} minutes. Do not just repeat this: that could make another. To revoke "
    "the link now: Clerk's dashboard, page Logs, shows it as actor_token.created, with its ID."
)

EngineerOf = Callable[[Request], Optional[Mapping[str, Any]]]


def engineer_of(request: Request) -> Mapping[str, Any] | None:
    """Yours to replace: return the claims of the session token if it is a support engineer's.

    Verify the token first, with Clerk's SDK or a JWT library, as for every page of your own; if it
    is in a cookie, refuse requests from other sites, too. None refuses.
    """
    return None


def create_app(clerk: ActorTokens, engineer_of: EngineerOf = engineer_of) -> Flask:
    app = Flask(__name__)

    @app.post("/customers/<customer>/link")
    def create_link(customer: str) -> ResponseReturnValue:
        claims = engineer_of(request)
        if claims is None:
            return {"error": "Sign in as a support engineer."}, 401
        if "act" in claims:  # then "sub" is a customer, who would become the actor
            return {"error": "You are signed in as somebody else. Sign in as yourself."}, 403
        try:
            token = clerk.create(customer, actor=claims["sub"], expires_in_seconds=LINK_SECONDS)
        except ValueError as error:  # nothing was sent; the text quotes no argument
            return {"error": str(error)}, 400
        except ClerkBaseError as error:
            app.logger.error("%s", error)  # its text holds no secret; its `body` may
            return explain(error)
        # Keep the ID: it revokes the link, and Clerk lists none. (Many logs drop an "info".)
        app.logger.warning("%s was given %s, for %s", claims["sub"], token.id, customer)
        return {"id": token.id, "url": token.url}, 201, {"Cache-Control": "no-store"}

    return app


def explain(error: ClerkBaseError) -> ResponseReturnValue:
    """The response to the engineer if there is no link, or none that came back."""
    if error.outcome_unknown:
        return {"error": IN_DOUBT}, 500  # and no 502, 503 or 504: some proxies repeat after them
    if isinstance(error, SDKError) and error.status_code == 429:
        seconds = math.ceil(error.retry_after or 10)
        text = f"Clerk has too many requests. Try again in {seconds} seconds."
        return {"error": text}, 503, {"Retry-After": str(seconds)}
    # The customer's ID is wrong; or, with 422, the plan's impersonations are used up. Clerk's text
    # tells which. (A 404 without Clerk's errors is a gateway's, or of a wrong CLERK_API_URL.)
    if isinstance(error, ClerkErrors) and error.status_code in (404, 422):
        return {"error": str(error)}, error.status_code
    return {"error": "There is no link. The log says why."}, 502
