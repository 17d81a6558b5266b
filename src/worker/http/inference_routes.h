// The native routes that make jobs, for any modality: from a body to a job, and from the job to one
// of three replies. Source: wire contract, 4.1 and 4.2.
#pragma once

#include "worker/base/ids.h"
#include "worker/http/deadline.h"
#include "worker/http/event_writer.h"
#include "worker/http/job_reply.h"
#include "worker/http/job_routes.h"
#include "worker/http/job_service.h"
#include "worker/http/job_wishes.h"
#include "worker/http/message.h"
#include "worker/http/refusal.h"
#include "worker/http/router.h"
#include "worker/scheduler/codec_thread.h"

#include <boost/asio/awaitable.hpp>
#include <tl/expected.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace worker {

// A body that can run.
template <class Input>
struct PreparedJob {
    Input job;
    JobWishes wishes;
    std::uint32_t units_in = 0;  // work before the first output
    std::string text = {};       // what the log shows of it, where it shows what callers send
    JobTerms terms = {};         // filled in on the io thread
};

// Or a reply that says why it cannot.
template <class Input>
using Preparation = tl::expected<PreparedJob<Input>, Response>;

// From the bytes of a body to a job. Owns or shares all that it needs: its work may outlive the
// connection. Thread: any.
template <class Input>
using Prepare = std::function<Preparation<Input>(const std::string& body)>;

// What is a modality's own in its native routes.
template <class Input, class Output>
struct NativeModality {
    // Asked once, when the model is loaded. Thread: io.
    std::function<Prepare<Input>()> prepare;
    // What of the job follows from who asks. Thread: io.
    void (*take_caller)(Input& job, const std::string& caller) = [](Input&, const std::string&) {};
    OutputFrame<Output> output_frame;
    std::unique_ptr<WholeReply<Output>> (*whole_reply)(std::string job_id);
};

// The routes' state. Constant after construction but for `prepare_`. Thread: io.
template <class Input, class Output>
class InferenceRoutes {
public:
    using Service = JobService<Input, Output>;
    using Modality = NativeModality<Input, Output>;
    using Prepared = PreparedJob<Input>;

    InferenceRoutes(Service& service, Modality modality, OneCall one_call)
        : service_(service), modality_(std::move(modality)), one_call_(one_call) {}

    // POST /v1/inference
    boost::asio::awaitable<void> infer(Request& request, ReplyWriter& reply) {
        std::optional<Prepared> prepared = co_await prepare_or_refuse(request, reply);
        if (!prepared) co_return;
        switch (reply_kind(prepared->wishes, request, one_call_)) {
            case ReplyKind::job: return_job(std::move(*prepared), "/v1/inference", reply); break;
            case ReplyKind::stream: co_await stream(std::move(*prepared), request, reply); break;
            case ReplyKind::whole: co_await whole(std::move(*prepared), reply); break;
        }
    }

    // POST /v1/jobs
    boost::asio::awaitable<void> make_job(Request& request, ReplyWriter& reply) {
        std::optional<Prepared> prepared = co_await prepare_or_refuse(request, reply);
        if (prepared) return_job(std::move(*prepared), "/v1/jobs", reply);
    }

private:
    // Nothing when the reply has been sent.
    boost::asio::awaitable<std::optional<Prepared>> prepare_or_refuse(Request& request,
                                                                      ReplyWriter& reply) {
        if (const auto refusal = service_.scheduler.refusal()) {
            reply.send(refused(*refusal));
            co_return std::nullopt;
        }
        Preparation<Input> prepared = co_await prepare(request);
        if (!prepared) {
            reply.send(std::move(prepared.error()));
            co_return std::nullopt;
        }
        const auto deadline =
            job_deadline(request, service_.clock, service_.request_timeout, service_.log);
        if (!deadline) {
            reply.send(error_response(deadline.error()));
            co_return std::nullopt;
        }
        log_text(*prepared, request);
        modality_.take_caller(prepared->job, request.caller);
        prepared->terms = {.job_id = prepared->wishes.job_id.value_or("job-" + uuid_v4()),
                           .correlation_id = request.correlation_id,
                           .caller = fairness_caller(request),
                           .owner = request.caller,
                           .priority = prepared->wishes.priority,
                           .deadline = *deadline,
                           .units_in = prepared->units_in};
        co_return std::move(*prepared);
    }

    boost::asio::awaitable<Preparation<Input>> prepare(Request& request) {
        if (!prepare_) prepare_ = std::make_shared<const Prepare<Input>>(modality_.prepare());
        if (request.body.size() <= inline_body_bytes) co_return (*prepare_)(request.body);
        // The work owns its input: the client, and this coroutine with it, may leave meanwhile.
        auto body = std::make_shared<const std::string>(std::move(request.body));
        auto work = [body, prepare = prepare_]() -> Result<Preparation<Input>> {
            return (*prepare)(*body);
        };
        Result<Preparation<Input>> prepared = co_await service_.codec.run(std::move(work));
        if (!prepared) co_return tl::make_unexpected(refused(prepared.error()));
        co_return std::move(*prepared);
    }

    void log_text(const Prepared& prepared, const Request& request) const {
        if (!service_.log_content) return;
        service_.log.write(LogLevel::info, "prompt",
                           {{"correlation_id", request.correlation_id}, {"text", prepared.text}});
    }

    void return_job(Prepared prepared, const char* routes, ReplyWriter& reply) {
        const std::string job_id = prepared.terms.job_id;
        const auto taken =
            service_.jobs.submit_kept(std::move(prepared.job), std::move(prepared.terms));
        reply.send(taken ? job_response(job_id, routes) : refused(taken.error()));
    }

    boost::asio::awaitable<void> stream(Prepared prepared, const Request& request,
                                        ReplyWriter& reply) {
        const std::string job_id = prepared.terms.job_id;
        auto job = service_.jobs.submit_owned(std::move(prepared.job), std::move(prepared.terms));
        if (!job) {
            reply.send(refused(job.error()));
            co_return;
        }
        EventWriter writer({service_.board, service_.clock}, job_id, service_.model_ref,
                           EventDetail::all);
        StreamReply<Output> stream{.reply = reply,
                                   .clock = service_.clock,
                                   .writer = std::move(writer),
                                   .output_frame = modality_.output_frame,
                                   .keep_alive = keep_alive_for(request)};
        co_await stream_job(std::move(*job), std::move(stream));
    }

    boost::asio::awaitable<void> whole(Prepared prepared, ReplyWriter& reply) {
        const std::string job_id = prepared.terms.job_id;
        auto job = service_.jobs.submit_owned(std::move(prepared.job), std::move(prepared.terms));
        if (!job) {
            reply.send(refused(job.error()));
            co_return;
        }
        const std::unique_ptr<WholeReply<Output>> whole = modality_.whole_reply(job_id);
        auto body = co_await complete_job(std::move(*job), *whole);
        reply.send(body ? Response{.body = std::move(*body)} : error_response(body.error()));
    }

    Response refused(const Error& error) const { return refusal_response(error, service_.board); }

    Service& service_;
    const Modality modality_;
    const OneCall one_call_;
    std::shared_ptr<const Prepare<Input>> prepare_;  // once the model is loaded
};

// POST /v1/inference, POST /v1/jobs, and the routes of jobs by their ids.
// Requires: `service` outlives the router.
template <class Input, class Output>
void add_inference_routes(Router& router, JobService<Input, Output>& service,
                          NativeModality<Input, Output> modality, OneCall one_call) {
    using Routes = InferenceRoutes<Input, Output>;
    const auto output_frame = modality.output_frame;
    const auto routes = std::make_shared<Routes>(service, std::move(modality), one_call);
    const auto add = [&](const char* pattern,
                         boost::asio::awaitable<void> (Routes::*serve)(Request&, ReplyWriter&)) {
        router.add({.method = "POST",
                    .pattern = pattern,
                    .handler = [routes, serve](
                                   Request& request,
                                   ReplyWriter& reply) { return (*routes.*serve)(request, reply); },
                    .json_body = true});
    };
    add("/v1/inference", &Routes::infer);
    add("/v1/jobs", &Routes::make_job);
    add_job_routes<Input, Output>(router, {.jobs = service.jobs,
                                           .board = service.board,
                                           .clock = service.clock,
                                           .model_ref = service.model_ref,
                                           .output_frame = output_frame});
}

}  // namespace worker
