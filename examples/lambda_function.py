"""An AWS Lambda function behind API Gateway: it gives a signed-in engineer a link.

Route: POST /customers/{user_id}/link of an HTTP API, with a JWT authorizer for Clerk's session
tokens. The handler is `lambda_function.handler`; it needs the variable CLERK_SECRET_KEY.

Invoke it synchronously, as API Gateway does. After an asynchronous invocation, nobody is given the
link, and AWS repeats by itself: twice after a failure or a timeout (unless MaximumRetryAttempts is
0), and now and then even after a success. Each repetition is a second create. boto3's `invoke`
repeats after its own time limit, too, unless its `Config` has `retries={"total_max_attempts": 1}`.

Zip it with clerk_actor_tokens.py. First run, in that folder and with the runtime's Python version,
`python -m compileall -f --invalidation-mode unchecked-hash .`: zipping changes the files' times,
and bytecode that is compared by them would be made anew at each cold start.
"""

from __future__ import annotations

import json
import logging
import math
from typing import Any

from clerk_actor_tokens import ActorTokens, ClerkBaseError, ClerkErrors, SDKError

LINK_SECONDS = 600
IN_DOUBT = (
    "There may be a link that nobody has. Nobody can use it, and it ends by itself within "
    f"{LINK_SECONDS // 60} minutes. Do not just repeat this: that could make another. To revoke "
    "the link now: Clerk's dashboard, page Logs, shows it as actor_token.created, with its ID."
)

logger = logging.getLogger(__name__)
clerk = ActorTokens()  # once per cold start, which fails without a key


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    # As the authorizer has verified them. Nothing else in the event says who acts.
    claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
    if claims.get("role") != "support" or "act" in claims:  # your own rule; no impersonation
        return answer(403, {"error": "Sign in as a support engineer, as yourself."})
    customer = event["pathParameters"]["user_id"]
    # Half a second is left to answer in. If AWS had to stop this, nobody would learn of the doubt.
    seconds = min(10.0, context.get_remaining_time_in_millis() / 1000 - 0.5)
    try:
        token = clerk.create(
            customer, actor=claims["sub"], expires_in_seconds=LINK_SECONDS, timeout=seconds
        )
    except ValueError as error:  # nothing was sent; the text quotes no argument
        return answer(400, {"error": str(error)})
    except ClerkBaseError as error:
        logger.error("%s", error)  # its text holds no secret; its `body` may
        return explain(error)
    # Keep the ID: it revokes the link, and Clerk lists none. (Many logs drop an "info".)
    logger.warning("%s was given %s, for %s", claims["sub"], token.id, customer)
    return answer(201, {"id": token.id, "url": token.url})


def explain(error: ClerkBaseError) -> dict[str, Any]:
    """The response to the engineer if there is no link, or none that came back."""
    if error.outcome_unknown:
        return answer(500, {"error": IN_DOUBT})
    if isinstance(error, SDKError) and error.status_code == 429:
        seconds = math.ceil(error.retry_after or 10)
        text = f"Clerk has too many requests. Try again in {seconds} seconds."
        return answer(503, {"error": text}, {"Retry-After": str(seconds)})
    # The customer's ID is wrong; or, with 422, the plan's impersonations are used up. Clerk's text
    # tells which. (A 404 without Clerk's errors is a gateway's, or of a wrong CLERK_API_URL.)
    if isinstance(error, ClerkErrors) and error.status_code in (404, 422):
        return answer(error.status_code, {"error": str(error)})
    return answer(502, {"error": "There is no link. The log says why."})


def answer(
    status: int, document: dict[str, Any], headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """A response in API Gateway's format."""
    return {
        "statusCode": status,
        "headers": {
            "Content-Type": "application/json",
            "Cache-Control": "no-store",
            **(headers or {}),
        },
        "body": json.dumps(document),
    }
