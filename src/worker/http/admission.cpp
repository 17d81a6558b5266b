#include "worker/http/admission.h"

#include "worker/http/cors.h"
#include "worker/http/request_target.h"

#include <utility>

namespace worker {
namespace {

tl::expected<std::string, Response> judge_caller(const Request& request, const Route& route,
                                                 const HttpSettings& settings, bool host_is_ours) {
    if (settings.check_host && !host_is_ours) {
        return tl::make_unexpected(
            route.error_shape({ErrorCode::forbidden,
                               "without a token, Host must be a loopback name or the bound "
                               "address"}));
    }
    if (!settings.authorize) return "";
    return settings.authorize(request, route);
}

tl::unexpected<Response> refuse(Response response, bool close) {
    response.close = response.close || close;
    return tl::make_unexpected(std::move(response));
}

}  // namespace

tl::expected<Admitted, Response> admit(RequestHead head, Trace trace, const Endpoints& endpoints,
                                       const HttpSettings& settings, const Router& router) {
    const Result<void> framed = check_framing(head);
    if (!framed) return refuse(error_response(framed.error()), true);
    const bool body_pending = has_body(head.fields);

    Result<RequestTarget> target = parse_request_target(head.target);
    if (!target) return refuse(error_response(target.error()), true);
    if (is_preflight(head, settings.cors_origins) && !router.methods(target->path).empty()) {
        return refuse(preflight_response(head.fields, router.methods(target->path)), body_pending);
    }
    Result<RouteMatch> match = router.find(head.method, target->path);
    if (!match) return refuse(router.refusal(match.error(), target->path), body_pending);
    const Route& route = *match->route;

    const std::string authority =
        target->authority.value_or(std::string(head.fields.find("host").value_or("")));
    Request request{.method = head.method == "HEAD" ? "GET" : std::move(head.method),
                    .path = percent_decode(target->path).value_or(target->path),
                    .query = std::move(target->query),
                    .params = std::move(match->params),
                    .correlation_id = std::move(trace.correlation_id),
                    .traceparent = std::move(trace.traceparent),
                    .peer_address = endpoints.peer,
                    .loopback = is_local_caller(head.fields, authority, endpoints)};
    request.fields = std::move(head.fields);

    tl::expected<std::string, Response> caller =
        judge_caller(request, route, settings, names_this_server(authority, endpoints));
    if (!caller) return refuse(std::move(caller.error()), body_pending);
    request.caller = std::move(*caller);
    const Result<bool> expects = expects_continue(request.fields);
    if (!expects) return refuse(route.error_shape(expects.error()), body_pending);
    const Result<void> body = check_body_head(
        request.fields, {.json = route.json_body, .bytes_max = settings.limits.body_bytes});
    if (!body) return refuse(route.error_shape(body.error()), body_pending);
    return Admitted{std::move(request), &route, *expects && !head.http_1_0};
}

}  // namespace worker
