#include "llm/text_worker.h"

#include "llm/api/native_routes.h"

#include <utility>

namespace llm {

using worker::Config;

namespace {

// Long requests that may wait for the codec thread: each holds its body.
constexpr std::size_t codec_waiting_max = 64;

// Where somebody asks for it: outputs in the log.
std::function<void(const worker::JobTerms&, const TextOutput&)> output_log(const Config& config,
                                                                           worker::Log& log) {
    if (!config.log_content) return {};
    return [&log](const worker::JobTerms& terms, const TextOutput& output) {
        log.write(worker::LogLevel::info, "output",
                  {{"job_id", terms.job_id}, {"text", output.text}});
    };
}

}  // namespace

TextWorker::TextWorker(const Config& config, const TextSettings& settings, Parts parts)
    : config_(config),
      settings_(settings),
      served_model_(std::move(parts.served_model)),
      daemon_({.config = config,
               .log = parts.log,
               .clock = parts.clock,
               .narrator = parts.narrator,
               .notifier = parts.notifier,
               .program = program_name,
               .version = program_version,
               .reload = std::move(parts.reload)}),
      backend_(std::move(parts.loader), parts.clock, settings.gap_max),
      engine_({.io = daemon_.io().get_executor(),
               .backend = backend_,
               .board = daemon_.board(),
               .clock = parts.clock,
               .metrics = daemon_.metrics(),
               .narrator = parts.narrator,
               .on_output = output_log(config, parts.log)},
              {.queue_max = config.queue_max()}, config.parallel),
      codec_(daemon_.io().get_executor(), codec_waiting_max),
      service_{.scheduler = engine_.scheduler(),
               .jobs = engine_.jobs(),
               .codec = codec_,
               .board = daemon_.board(),
               .clock = parts.clock,
               .log = parts.log,
               .model_ref = config.model_ref,
               .request_timeout = config.request_timeout,
               .log_content = config.log_content} {}

Result<std::unique_ptr<TextWorker>> TextWorker::bind(const Config& config,
                                                     const TextSettings& settings, Parts parts) {
    std::unique_ptr<TextWorker> made(new TextWorker(config, settings, std::move(parts)));
    TextWorker& self = *made;
    const Result<void> opened = self.daemon_.open(
        self.engine_, [&self](worker::Router& router) { self.add_routes(router); },
        [&self] { return self.ready(); });
    if (!opened) return worker::fail(opened.error());
    return made;
}

void TextWorker::add_routes(worker::Router& router) {
    add_native_routes(
        router, service_,
        {.limits = {.prompt_chars_max = settings_.prompt_chars_max,
                    .output_tokens_max = settings_.output_tokens_max},
         .one_call = config_.callback_url ? OneCall::by_default : OneCall::on_request});
}

worker::ServedModel TextWorker::ready() {
    service_.model = {.vocabulary = backend_.vocabulary(), .context_max = backend_.context_max()};
    return served_model_();
}

}  // namespace llm
