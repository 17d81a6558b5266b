#include "llm/text_worker.h"

#include "llm/api/native_routes.h"
#include "worker/base/ids.h"
#include "worker/http/bearer_auth.h"

#include <boost/asio/post.hpp>

#include <string>
#include <utility>

namespace llm {

using worker::Config;

namespace {

// Long requests that may wait for the codec thread: each holds its body.
constexpr std::size_t codec_waiting_max = 64;

worker::HttpSettings http_settings(const Config& config) {
    worker::HttpSettings settings{.host = config.host, .port = config.port};
    settings.limits.body_bytes = config.body_bytes_max;
    settings.limits.connections = config.connections_max;
    settings.check_host = config.api_tokens.empty() && !config.no_auth;
    const auto auth = std::make_shared<const worker::BearerAuth>(
        config.api_tokens, config.trust_loopback ? worker::BearerAuth::Loopback::trusted
                                                 : worker::BearerAuth::Loopback::needs_token);
    settings.authorize = [auth](const worker::Request& request, const worker::Route& route) {
        return auth->identify(request, route);
    };
    return settings;
}

worker::WorkerIdentity identity(const Config& config, std::uint16_t port) {
    const std::string made = "worker-" + std::to_string(port) + "-" + worker::random_hex(8);
    return {.worker_id = config.worker_id.empty() ? made : config.worker_id,
            .model_ref = config.model_ref,
            .implementation = program_name,
            .version = program_version,
            .port = port};
}

}  // namespace

TextWorker::TextWorker(const Config& config, const TextSettings& settings, Parts parts)
    : parts_(std::move(parts)),
      metrics_(config.model_ref),
      sources_{.board = board_,
               .clock = parts_.clock,
               .metrics = metrics_,
               .narrator = parts_.narrator,
               .started = parts_.clock.now(),
               .identity = {},
               .model = {}},
      backend_(parts_.loader, parts_.clock, settings.gap_max),
      engine_({.io = io_.get_executor(),
               .backend = backend_,
               .board = board_,
               .clock = parts_.clock,
               .metrics = metrics_,
               .narrator = parts_.narrator},
              {.queue_max = config.queue_max()}, config.parallel),
      codec_(io_.get_executor(), codec_waiting_max),
      service_{.scheduler = engine_.scheduler(),
               .jobs = engine_.jobs(),
               .codec = codec_,
               .board = board_,
               .clock = parts_.clock,
               .log = parts_.log,
               .model_ref = config.model_ref,
               .request_timeout = config.request_timeout} {
    add_status_routes(router_, sources_);
    add_native_routes(router_, service_,
                      {.limits = {.prompt_chars_max = settings.prompt_chars_max,
                                  .output_tokens_max = settings.output_tokens_max},
                       .one_call = config.callback_url ? OneCall::by_default
                                                       : OneCall::on_request});
}

Result<std::unique_ptr<TextWorker>> TextWorker::bind(const Config& config,
                                                     const TextSettings& settings, Parts parts) {
    std::unique_ptr<TextWorker> made(new TextWorker(config, settings, std::move(parts)));
    TextWorker& self = *made;
    auto server = worker::HttpServer::bind(self.io_.get_executor(), http_settings(config),
                                           self.router_, self.parts_.log);
    if (!server) return worker::fail(std::move(server.error()));
    self.server_ = std::move(*server);
    self.sources_.identity = identity(config, self.port());
    const std::string address = config.host + ":" + std::to_string(self.port());
    self.parts_.narrator.narrate({.actor = "http-server",
                                  .action = "server_bind",
                                  .target = address,
                                  .human = "Listens on http://" + address,
                                  .worker_id = self.sources_.identity.worker_id});

    self.life_.emplace(worker::Lifecycle::Parts{.io = self.io_,
                                                .server = *self.server_,
                                                .engine = self.engine_,
                                                .board = self.board_,
                                                .clock = self.parts_.clock,
                                                .narrator = self.parts_.narrator,
                                                .log = self.parts_.log},
                       config.drain_timeout);
    self.life_->on_ready = [&self] {
        self.sources_.model = self.parts_.served_model();
        self.service_.model = {.vocabulary = self.backend_.vocabulary(),
                               .context_max = self.backend_.context_max()};
    };
    return made;
}

void TextWorker::shut_down() {
    boost::asio::post(io_, [this] { life_->shut_down(); });
}

}  // namespace llm
