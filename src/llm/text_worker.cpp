#include "llm/text_worker.h"

#include "llm/api/completions/chat_format.h"
#include "llm/api/completions/lazy_grammars.h"
#include "llm/api/completions/openai_routes.h"
#include "llm/api/native_routes.h"

#include <filesystem>
#include <utility>

namespace llm {

namespace {

// Where somebody asks for it: outputs in the log.
std::function<void(const worker::JobTerms&, const TextOutput&)> output_log(
    const worker::Daemon::Parts& parts) {
    if (!parts.config.log_content) return {};
    return [&log = parts.log](const worker::JobTerms& terms, const TextOutput& output) {
        log.write(worker::LogLevel::info, "output",
                  {{"job_id", terms.job_id}, {"text", output.text}});
    };
}

}  // namespace

TextWorker::TextWorker(const TextSettings& settings, Parts parts)
    : settings_(settings),
      parts_(std::move(parts)),
      backend_(parts_.loader, parts_.daemon.clock, settings.gap_max),
      daemon_({.daemon = parts_.daemon,
               .backend = backend_,
               .limits = {.queue_max = parts_.daemon.config.queue_max()},
               .on_output = output_log(parts_.daemon)}),
      service_{daemon_.service()} {}

Result<std::unique_ptr<TextWorker>> TextWorker::bind(const TextSettings& settings, Parts parts) {
    std::unique_ptr<TextWorker> made(new TextWorker(settings, std::move(parts)));
    TextWorker& self = *made;
    const Result<void> opened =
        self.daemon_.open([&self](worker::Router& router) { self.add_routes(router); },
                          [&self] { return self.ready(); });
    if (!opened) return worker::fail(opened.error());
    return made;
}

void TextWorker::add_routes(worker::Router& router) {
    const worker::Config& config = parts_.daemon.config;
    add_native_routes(router, service_,
                      {.limits = {.prompt_chars_max = settings_.prompt_chars_max,
                                  .output_tokens_max = settings_.output_tokens_max},
                       .one_call = config.callback_url ? worker::OneCall::by_default
                                                       : worker::OneCall::on_request});
    const std::string file_name = std::filesystem::path(config.model).filename().string();
    add_openai_routes(
        router, service_,
        {.model = {.names = {config.model_ref, file_name, "default"}, .any = settings_.any_model},
         .use_model_defaults = settings_.use_model_defaults,
         .stop_strings_max = settings_.stop_strings_max,
         .parallel = config.parallel,
         .jobs_max = config.parallel + config.queue_max()});
}

worker::ServedModel TextWorker::ready() {
    const ModelCard& card = backend_.card();
    const auto vocabulary = backend_.vocabulary();
    service_.model = {.vocabulary = vocabulary,
                      .context_max = backend_.context_max(),
                      .card = card,
                      .chat = chat_format(card, vocabulary),
                      .grammars = std::make_shared<LazyGrammars>(vocabulary),
                      .fingerprint = fingerprint(card, parts_.daemon.version),
                      .loaded_at = worker::unix_seconds(service_.clock.wall_now())};
    return parts_.served_model();
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
