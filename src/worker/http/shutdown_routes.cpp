#include "worker/http/shutdown_routes.h"

#include "worker/contract/json_object.h"

namespace worker {
namespace {

boost::asio::awaitable<void> accept_shutdown(const Shutdown& shutdown, ReplyWriter& reply) {
    const auto timeout = std::chrono::ceil<std::chrono::seconds>(shutdown.drain_timeout);
    reply.send({.status = 202,
                .body = JsonObject()
                            .add("status", "shutting_down")
                            .add("timeout_seconds", timeout.count())
                            .text(),
                .close = true,
                .when_sent = shutdown.shut_down});
    co_return;
}

}  // namespace

void add_shutdown_routes(Router& router, const Shutdown& shutdown) {
    for (const char* path : {"/v1/shutdown", "/v1/admin/shutdown"}) {
        router.add({.method = "POST",
                    .pattern = path,
                    .access = Access::token_or_loopback,
                    .handler = [shutdown](Request&, ReplyWriter& reply) {
                        return accept_shutdown(shutdown, reply);
                    }});
    }
}

}  // namespace worker
