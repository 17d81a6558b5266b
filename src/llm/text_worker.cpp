#include "llm/text_worker.h"

#include "llm/api/completions/chat_format.h"
#include "llm/api/completions/lazy_grammars.h"
#include "llm/api/completions/openai_routes.h"
#include "llm/api/native_routes.h"

#include <chrono>
#include <filesystem>
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
      service_{{.scheduler = engine_.scheduler(),
                .jobs = engine_.jobs(),
                .codec = codec_,
                .board = daemon_.board(),
                .clock = parts.clock,
                .log = parts.log,
                .model_ref = config.model_ref,
                .request_timeout = config.request_timeout,
                .log_content = config.log_content}} {}

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
    add_native_routes(router, service_,
                      {.limits = {.prompt_chars_max = settings_.prompt_chars_max,
                                  .output_tokens_max = settings_.output_tokens_max},
                       .one_call = config_.callback_url ? worker::OneCall::by_default
                                                        : worker::OneCall::on_request});
    const std::string file_name = std::filesystem::path(config_.model).filename().string();
    add_openai_routes(
        router, service_,
        {.model = {.names = {config_.model_ref, file_name, "default"}, .any = settings_.any_model},
         .use_model_defaults = settings_.use_model_defaults,
         .stop_strings_max = settings_.stop_strings_max,
         .parallel = config_.parallel,
         .jobs_max = config_.parallel + config_.queue_max()});
}

worker::ServedModel TextWorker::ready() {
    const ModelCard& card = backend_.card();
    const auto vocabulary = backend_.vocabulary();
    service_.model = {.vocabulary = vocabulary,
                      .context_max = backend_.context_max(),
                      .card = card,
                      .chat = chat_format(card, vocabulary),
                      .grammars = std::make_shared<LazyGrammars>(vocabulary),
                      .fingerprint = std::string("fp-") + program_version + "-" + card.engine +
                                     "-" + card.digest.substr(0, 12),
                      .loaded_at = std::chrono::duration_cast<std::chrono::seconds>(
                                       service_.clock.wall_now().time_since_epoch())
                                       .count()};
    return served_model_();
}

// Nothing where chats are not possible, which the log says.
std::shared_ptr<const ChatFormat> TextWorker::chat_format(
    const ModelCard& card, std::shared_ptr<const Vocabulary> vocabulary) const {
    const char* const without = "; only prompts can be completed: see --chat-template";
    if (!card.chat_template) {
        service_.log.write(worker::LogLevel::warn,
                           std::string("The model has no chat template") + without);
        return nullptr;
    }
    auto format = ChatFormat::make(card, std::move(vocabulary));
    if (format) return std::make_shared<const ChatFormat>(std::move(*format));
    service_.log.write(worker::LogLevel::warn, "The model's chat template cannot be used (" +
                                                   format.error().message + ")" + without);
    return nullptr;
}

}  // namespace llm
