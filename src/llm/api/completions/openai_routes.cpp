#include "llm/api/completions/openai_routes.h"

#include "llm/api/completions/answer.h"
#include "llm/api/completions/lazy_grammars.h"
#include "llm/api/completions/model_routes.h"
#include "llm/api/completions/preparation.h"
#include "llm/api/completions/tokenizer_routes.h"
#include "llm/api/openai/ignored_parameters.h"
#include "llm/api/openai/openai_error.h"
#include "worker/base/ids.h"
#include "worker/base/json.h"
#include "worker/http/deadline.h"
#include "worker/http/job_routes.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace llm {

using boost::asio::awaitable;
using worker::ReplyWriter;
using worker::Request;
using worker::Response;

namespace {

// Smaller bodies are read on the io thread, in less time than a trip to another thread and back
// takes, but for those with a schema; larger ones would hold up /health.
constexpr std::size_t inline_body_bytes = 4 << 10;

// What a body means, in one of the ways of preparation.h.
template <class Value>
using Reading = tl::expected<Value, OpenAiError> (*)(const boost::json::value& body,
                                                     const PreparationContext& context);

template <class Value>
tl::expected<Value, OpenAiError> refuse_json(const worker::Error& error) {
    return tl::make_unexpected(openai_error(error));
}

// However small: what of a schema can be enforced is found by trying.
bool may_take_long(const boost::json::value& body) {
    const boost::json::object* object = body.if_object();
    return object != nullptr && (object->contains("response_format") ||
                                 object->contains("json_schema") || object->contains("tools"));
}

// The routes' state. Thread: io.
class OpenAiRoutes {
public:
    OpenAiRoutes(TextService& service, const OpenAiSettings& settings)
        : service_(service), settings_(std::make_shared<const OpenAiSettings>(settings)) {}

    awaitable<void> chat(Request& request, ReplyWriter& reply) {
        return complete(request, reply, prepare_chat);
    }
    awaitable<void> completion(Request& request, ReplyWriter& reply) {
        return complete(request, reply, prepare_completion);
    }

    // POST /v1/chat/completions/render
    awaitable<void> render(Request& request, ReplyWriter& reply) {
        if (const auto refusal = service_.scheduler.refusal()) {
            reply.send(refused(*refusal));
            co_return;
        }
        auto rendered = co_await read<PlainAnswer>(request, render_chat);
        reply.send(to_response(std::move(rendered), request.fields));
    }

private:
    awaitable<void> complete(Request& request, ReplyWriter& reply, Reading<Prepared> reading) {
        if (const auto refusal = service_.scheduler.refusal()) {
            reply.send(refused(*refusal));
            co_return;
        }
        Preparation prepared = co_await read<Prepared>(request, reading);
        if (prepared) {
            const auto objection = strict_objection(request.fields, prepared->generation.ignored);
            if (objection) prepared = tl::make_unexpected(*objection);
        }
        if (prepared && prepared->grammar) prepared = co_await constrain(std::move(*prepared));
        if (!prepared) {
            reply.send(to_response(prepared.error()));
            co_return;
        }
        const auto executor = co_await boost::asio::this_coro::executor;
        worker::JobGroup<TextOutput> jobs(executor);
        if (const auto submitted = submit(*prepared, request, jobs); !submitted) {
            reply.send(refused(submitted.error()));
            co_return;
        }
        const Answer answer{
            .jobs = jobs, .shape = *prepared->reply, .reply = reply, .clock = service_.clock};
        if (prepared->generation.stream)
            co_await stream_answer(answer);
        else
            co_await send_answer(answer);
    }

    PreparationContext context() const {
        return {.model = service_.model,
                .settings = settings_,
                .model_ref = service_.model_ref,
                .now = service_.clock.wall_now()};
    }

    template <class Value>
    awaitable<tl::expected<Value, OpenAiError>> read(Request& request, Reading<Value> reading) {
        // The work owns its input: the client, and this coroutine with it, may leave meanwhile.
        if (request.body.size() > inline_body_bytes) {
            auto body = std::make_shared<const std::string>(std::move(request.body));
            return on_codec<Value>([body, reading, context = context()] {
                const auto json = worker::parse_json(*body);
                return json ? reading(*json, context) : refuse_json<Value>(json.error());
            });
        }
        auto json = worker::parse_json(request.body);
        if (!json) return at_once(refuse_json<Value>(json.error()));
        if (!may_take_long(*json)) return at_once(reading(*json, context()));
        auto body = std::make_shared<const boost::json::value>(std::move(*json));
        return on_codec<Value>(
            [body, reading, context = context()] { return reading(*body, context); });
    }

    template <class Value>
    static awaitable<tl::expected<Value, OpenAiError>> at_once(
        tl::expected<Value, OpenAiError> value) {
        co_return value;
    }

    template <class Value>
    awaitable<tl::expected<Value, OpenAiError>> on_codec(
        std::function<tl::expected<Value, OpenAiError>()> reading) {
        auto work = [reading = std::move(reading)]() -> Result<tl::expected<Value, OpenAiError>> {
            return reading();
        };
        auto value = co_await service_.codec.run(std::move(work));
        if (!value) co_return tl::make_unexpected(openai_error(value.error()));
        co_return std::move(*value);
    }

    // Compiles the grammar, once a job, since each follows it by itself.
    awaitable<Preparation> constrain(Prepared prepared) {
        using Constraints = std::vector<std::unique_ptr<TokenConstraint>>;
        auto work = [spec = prepared.grammar->spec, count = prepared.jobs.size(),
                     grammars = service_.model.grammars]() -> Result<Constraints> {
            Constraints constraints;
            while (constraints.size() < count) {
                auto constraint = grammars->constrain(spec);
                if (!constraint) return worker::fail(std::move(constraint.error()));
                constraints.push_back(std::move(*constraint));
            }
            return constraints;
        };
        auto constraints = co_await service_.codec.run(std::move(work));
        if (!constraints) {
            OpenAiError error = openai_error(constraints.error());
            if (error.status == 400) error.param = prepared.grammar->param;
            co_return tl::make_unexpected(std::move(error));
        }
        for (std::size_t i = 0; i < prepared.jobs.size(); ++i)
            prepared.jobs[i].constraint = std::move((*constraints)[i]);
        co_return prepared;
    }

    Result<void> submit(Prepared& prepared, const Request& request,
                        worker::JobGroup<TextOutput>& jobs) {
        const auto deadline =
            worker::job_deadline(request, service_.clock, service_.request_timeout, service_.log);
        if (!deadline) return worker::fail(deadline.error());
        log_prompt(prepared, request);
        for (std::size_t i = 0; i < prepared.jobs.size(); ++i) {
            GenerateJob& job = prepared.jobs[i];
            job.cache_scope = job.prompt_logprobs
                                  ? worker::uuid_v4()
                                  : request.caller + '\n' + prepared.generation.cache_salt;
            worker::JobTerms terms{
                .job_id = i == 0 ? prepared.id : prepared.id + "-" + std::to_string(i),
                .correlation_id = request.correlation_id,
                .caller = worker::fairness_caller(request),
                .owner = request.caller,
                .priority = prepared.generation.priority,
                .deadline = *deadline,
                .units_in = static_cast<std::uint32_t>(job.prompt.size())};
            auto submitted = service_.jobs.submit_owned(std::move(job), std::move(terms));
            if (!submitted) return worker::fail(submitted.error());
            jobs.add(std::move(*submitted));
        }
        return {};
    }

    void log_prompt(const Prepared& prepared, const Request& request) const {
        if (!service_.log_content) return;
        service_.log.write(
            worker::LogLevel::info, "prompt",
            {{"correlation_id", request.correlation_id}, {"text", prepared.prompt_text}});
    }

    // A refusal at the door.
    Response refused(const worker::Error& error) const {
        Response response = openai_error_response(error);
        response.close = service_.board.read().life == worker::LifeState::draining;
        return response;
    }

    TextService& service_;
    const std::shared_ptr<const OpenAiSettings> settings_;
};

}  // namespace

void add_openai_routes(worker::Router& router, TextService& service,
                       const OpenAiSettings& settings) {
    const auto routes = std::make_shared<OpenAiRoutes>(service, settings);
    using Serve = awaitable<void> (OpenAiRoutes::*)(Request&, ReplyWriter&);
    const std::pair<const char*, Serve> served[] = {
        {"/v1/chat/completions", &OpenAiRoutes::chat},
        {"/v1/chat/completions/render", &OpenAiRoutes::render},
        {"/v1/completions", &OpenAiRoutes::completion},
    };
    for (const char* prefix : {"", "/openai"})
        for (const auto& [path, serve] : served)
            router.add({.method = "POST",
                        .pattern = std::string(prefix) + path,
                        .handler =
                            [routes, serve](Request& request, ReplyWriter& reply) {
                                return (*routes.*serve)(request, reply);
                            },
                        .error_shape = openai_error_response,
                        .json_body = true});
    add_model_routes(router, service, settings.model_names);
    add_tokenizer_routes(router, service);
}

}  // namespace llm
