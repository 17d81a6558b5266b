#pragma once

#include "worker/http/local_caller.h"
#include "worker/http/message.h"
#include "worker/http/request_checks.h"
#include "worker/http/router.h"
#include "worker/http/server.h"
#include "worker/http/trace.h"

#include <tl/expected.hpp>

namespace worker {

// A request whose body may be read. The reply is in `route`'s hands from here on.
struct Admitted {
    Request request;  // without its body
    const Route* route;
    bool expects_continue;  // the client waits for a 100 before it sends the body
};

// Judges a head in the contract's order: framing, route, caller, body. A refusal whose request has
// a body, which then stays unread, ends the connection.
tl::expected<Admitted, Response> admit(RequestHead head, Trace trace, const Endpoints& endpoints,
                                       const HttpSettings& settings, const Router& router);

}  // namespace worker
