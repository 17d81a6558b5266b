// The routes of jobs by their ids, for any modality: read the stream, ask, cancel.
// Source: wire contract, 4.3.
#pragma once

#include "worker/base/clock.h"
#include "worker/base/quantities.h"
#include "worker/contract/json_object.h"
#include "worker/http/job_reply.h"
#include "worker/http/message.h"
#include "worker/http/router.h"
#include "worker/scheduler/job_store.h"
#include "worker/scheduler/status_board.h"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace worker {

// What the reply to a request that made a job says where the job is read later.
// Source: wire contract, 4.2.
inline Response job_response(const std::string& job_id, const std::string& routes) {
    const JsonObject body =
        JsonObject().add("job_id", job_id).add("sse_url", routes + "/" + job_id + "/stream");
    return {.body = body.text()};
}

// Which events a reader of a job's stream wants, from where on.
struct StreamWishes {
    std::uint64_t from = 0;  // number of the first event
    EventNumbers numbers = EventNumbers::hidden;
    EventDetail detail = EventDetail::output_only;
    std::optional<Clock::Duration> keep_alive = {};
};

inline bool accepts_events(const Request& request) {
    const auto accept = request.fields.find("accept");
    return accept && accept->find("text/event-stream") != std::string_view::npos;
}

inline std::optional<Clock::Duration> keep_alive_for(const Request& request) {
    if (!accepts_events(request)) return std::nullopt;
    return keep_alive_interval;
}

// With whom a request's jobs share what there is. Source: wire contract, 6.
inline std::string fairness_caller(const Request& request) {
    if (const auto id = request.fields.find("x-gateway-inference-fairness-id"); id && !id->empty())
        return "id:" + std::string(id->substr(0, 256));
    return request.caller.empty() ? "address:" + request.peer_address : request.caller;
}

// Errors: invalid_request (Last-Event-ID is no number).
// Source: HTML Standard, 9.2.4, "The Last-Event-ID header".
inline Result<StreamWishes> stream_wishes(const Request& request) {
    StreamWishes wishes{.keep_alive = keep_alive_for(request)};
    if (request.query_value("events") == "all") wishes.detail = EventDetail::all;
    if (request.query_value("resume") == "1") wishes.numbers = EventNumbers::shown;
    const auto last = request.fields.find("last-event-id");
    if (!last) return wishes;
    const std::optional<std::uint64_t> number = parse_decimal(*last);
    if (!number || *number == UINT64_MAX)
        return fail(ErrorCode::invalid_request,
                    "Last-Event-ID must be the number of an event of this stream");
    wishes.from = *number + 1;
    wishes.numbers = EventNumbers::shown;
    return wishes;
}

// Serves jobs of one kind of input and output. Outlives the server. Thread: io.
template <class Input, class Output>
class JobRoutes {
public:
    struct Parts {
        JobStore<Input, Output>& jobs;
        const StatusBoard& board;
        const Clock& clock;
        std::string model_ref;
        OutputFrame<Output> output_frame;
    };

    explicit JobRoutes(Parts parts) : parts_(std::move(parts)) {}

    // GET …/{id}/stream
    boost::asio::awaitable<void> stream(EndMarker end_marker, Request& request,
                                        ReplyWriter& reply) {
        const Result<StreamWishes> wishes = stream_wishes(request);
        if (!wishes) {
            reply.send(error_response(wishes.error()));
            co_return;
        }
        auto job = parts_.jobs.open(key_of(request), wishes->from);
        if (!job) {
            reply.send(error_response(job.error()));
            co_return;
        }
        EventWriter writer({parts_.board, parts_.clock}, request.params.at("id"), parts_.model_ref,
                           wishes->detail);
        StreamReply<Output> stream{.reply = reply,
                                   .clock = parts_.clock,
                                   .writer = std::move(writer),
                                   .output_frame = parts_.output_frame,
                                   .keep_alive = wishes->keep_alive,
                                   .end_marker = end_marker,
                                   .numbers = wishes->numbers};
        co_await stream_events(std::move(*job), std::move(stream));
    }

    // GET /v1/jobs/{id}
    boost::asio::awaitable<void> view(Request& request, ReplyWriter& reply) {
        const std::optional<JobView> job = parts_.jobs.find(key_of(request));
        reply.send(job ? view_response(request.params.at("id"), *job) : no_such_job());
        co_return;
    }

    // DELETE /v1/jobs/{id}
    boost::asio::awaitable<void> cancel(Request& request, ReplyWriter& reply) {
        const JsonObject body = JsonObject()
                                    .add("job_id", request.params.at("id"))
                                    .add("status", wire_name(JobState::cancelled));
        if (parts_.jobs.cancel(key_of(request)))
            reply.send({.body = body.text()});
        else
            reply.send(error_response({ErrorCode::not_found, "no such job is active"}));
        co_return;
    }

    // DELETE /v1/inference/{id}
    boost::asio::awaitable<void> end(Request& request, ReplyWriter& reply) {
        parts_.jobs.cancel(key_of(request));
        reply.send({.status = 204});
        co_return;
    }

private:
    static JobKey key_of(const Request& request) {
        return {.job_id = request.params.at("id"), .owner = request.caller};
    }

    static Response no_such_job() {
        return error_response({ErrorCode::not_found, "there is no job with this id"});
    }

    static Response view_response(const std::string& job_id, const JobView& job) {
        JsonObject body;
        body.add("job_id", job_id)
            .add("state", wire_name(job.state))
            .add("queue_position", job.queue_position)
            .add("tokens_out", job.units_out);
        if (job.error)
            body.add("error", JsonObject()
                                  .add("code", traits(job.error->code).wire_name)
                                  .add("message", wire_message(*job.error)));
        return {.body = body.text()};
    }

    const Parts parts_;
};

// GET /v1/jobs/{id}, GET /v1/jobs/{id}/stream, GET /v1/inference/{id}/stream,
// DELETE /v1/jobs/{id}, DELETE /v1/inference/{id}.
template <class Input, class Output>
void add_job_routes(Router& router, typename JobRoutes<Input, Output>::Parts parts) {
    using Routes = JobRoutes<Input, Output>;
    const auto routes = std::make_shared<Routes>(std::move(parts));
    const auto add = [&](const char* method, const char* pattern,
                         boost::asio::awaitable<void> (Routes::*serve)(Request&, ReplyWriter&)) {
        router.add({.method = method,
                    .pattern = pattern,
                    .handler = [routes, serve](Request& request, ReplyWriter& reply) {
                        return (*routes.*serve)(request, reply);
                    }});
    };
    const auto add_stream = [&](const char* pattern, EndMarker end_marker) {
        router.add({.method = "GET",
                    .pattern = pattern,
                    .handler = [routes, end_marker](Request& request, ReplyWriter& reply) {
                        return routes->stream(end_marker, request, reply);
                    }});
    };
    add_stream("/v1/jobs/{id}/stream", EndMarker::outcome);
    add_stream("/v1/inference/{id}/stream", EndMarker::done);
    add("GET", "/v1/jobs/{id}", &Routes::view);
    add("DELETE", "/v1/jobs/{id}", &Routes::cancel);
    add("DELETE", "/v1/inference/{id}", &Routes::end);
}

}  // namespace worker
