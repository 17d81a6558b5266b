#include "worker/app/daemon.h"

#include "worker/base/ids.h"
#include "worker/device/host_memory.h"
#include "worker/http/shutdown_routes.h"
#include "worker/http/slot_routes.h"
#include "worker/scheduler/health.h"

#include <boost/asio/post.hpp>

#include <utility>

namespace worker {
namespace {

std::string first_token(const Config& config) {
    return config.api_tokens.empty() ? std::string() : config.api_tokens.front();
}

WorkerIdentity identity(const Daemon::Parts& parts, std::uint16_t port) {
    const Config& config = parts.config;
    const std::string made = "worker-" + std::to_string(port) + "-" + random_hex(8);
    return {.worker_id = config.worker_id.empty() ? made : config.worker_id,
            .model_ref = config.model_ref,
            .implementation = parts.program,
            .version = parts.version,
            .port = port};
}

HttpSettings http_settings(const Config& config) {
    HttpSettings settings{.host = config.host, .port = config.port};
    settings.limits.body_bytes = config.body_bytes_max;
    settings.limits.connections = config.connections_max;
    settings.check_host = config.api_tokens.empty() && !config.no_auth;
    settings.cors_origins = config.cors_origins;
    if (config.tls_cert && config.tls_key)
        settings.tls = TlsFiles{.certificate_chain = *config.tls_cert, .key = *config.tls_key};
    return settings;
}

std::string scheme(const Config& config) {
    return config.tls_cert ? "https://" : "http://";
}

}  // namespace

Daemon::Daemon(Parts parts)
    : parts_(std::move(parts)),
      metrics_(parts_.config.model_ref),
      sources_{.board = board_,
               .clock = parts_.clock,
               .metrics = metrics_,
               .narrator = parts_.narrator,
               .started = parts_.clock.now(),
               .identity = {},
               .model = {}},
      auth_(parts_.config.api_tokens, parts_.config.trust_loopback
                                          ? BearerAuth::Loopback::trusted
                                          : BearerAuth::Loopback::needs_token),
      bearer_(first_token(parts_.config)) {}

Result<void> Daemon::open(EngineControl& engine, const std::function<void(Router&)>& add_routes,
                          std::function<ServedModel()> on_ready) {
    add_own_routes(engine);
    add_routes(router_);
    if (auto opened = open_server(); !opened) return opened;
    if (auto opened = open_links(); !opened) return opened;
    life_.emplace(Lifecycle::Parts{.io = io_,
                                   .server = *server_,
                                   .engine = engine,
                                   .links = *links_,
                                   .notifier = parts_.notifier,
                                   .board = board_,
                                   .clock = parts_.clock,
                                   .narrator = parts_.narrator,
                                   .log = parts_.log},
                  parts_.config.drain_timeout);
    life_->on_ready = [this, on_ready = std::move(on_ready)] {
        sources_.model = on_ready();
        watch_memory();
    };
    life_->on_reload = [this] { reload(); };
    narrate_address();  // Signals are understood from here on.
    return {};
}

Result<void> Daemon::open_server() {
    HttpSettings settings = http_settings(parts_.config);
    settings.authorize = [this](const Request& request, const Route& route) {
        return auth_.identify(request, route);
    };
    auto server = HttpServer::bind(io_.get_executor(), settings, router_, parts_.log);
    if (!server) return fail(std::move(server.error()));
    server_ = std::move(*server);
    sources_.identity = identity(parts_, port());
    return {};
}

void Daemon::narrate_address() {
    const std::string address = parts_.config.host + ":" + std::to_string(port());
    parts_.narrator.narrate({.actor = "http-server",
                             .action = "server_bind",
                             .target = address,
                             .human = "Listens on " + scheme(parts_.config) + address,
                             .worker_id = sources_.identity.worker_id});
}

Result<void> Daemon::open_links() {
    const Config& config = parts_.config;
    auto links = HiveLinks::make({.callback_url = config.callback_url,
                                  .hive_url = config.hive_url,
                                  .queen_url = config.queen_url,
                                  .served = {.advertise_url = config.advertise_url,
                                             .host = config.host,
                                             .port = port(),
                                             .with_tls = config.tls_cert.has_value()},
                                  .program = parts_.program + "/" + parts_.version,
                                  .policy = {.interval = config.heartbeat_interval}},
                                 {.executor = io_.get_executor(),
                                  .clock = parts_.clock,
                                  .narrator = parts_.narrator,
                                  .bearer = [this] { return bearer_; },
                                  .heartbeat = [this] { return heartbeat(); },
                                  .worker_info = [this] { return worker_info(sources_); },
                                  .ready_callback = [this] { return ready_callback(); }});
    if (!links) return fail(std::move(links.error()));
    links_ = std::move(*links);
    return {};
}

void Daemon::watch_memory() {
    if (!sources_.model.device_memory) return;
    memory_watch_.emplace(MemoryWatch::Parts{.board = board_,
                                             .clock = parts_.clock,
                                             .narrator = parts_.narrator,
                                             .memory = sources_.model.device_memory,
                                             .floor_bytes = parts_.config.vram_floor_bytes},
                          parts_.memory_pace);
}

void Daemon::add_own_routes(const EngineControl& engine) {
    add_status_routes(router_, sources_);
    add_slot_routes(router_, board_, [&engine](JobId id) { return engine.running_job(id); });
    add_shutdown_routes(router_, {.shut_down = [this] { life_->shut_down(); },
                                  .drain_timeout = parts_.config.drain_timeout});
    router_.add(
        {.method = "GET", .pattern = "/heartbeat", .handler = [this](Request&, ReplyWriter& reply) {
             return send_json(links_->report(), reply);
         }});
}

void Daemon::reload() {
    if (!parts_.reload) return;
    const Result<Config> config = parts_.reload();
    if (!config) {
        parts_.log.write(LogLevel::warn, "the settings stay as they are",
                         {{"reason", config.error().message}});
        return;
    }
    auth_.replace(config->api_tokens);
    if (!config->api_tokens.empty()) bearer_ = first_token(*config);
    if (const auto renewed = server_->reload_certificate(); !renewed)
        parts_.log.write(LogLevel::warn, "the certificate stays as it is",
                         {{"reason", renewed.error().message}});
    parts_.log.set_level(config->log_level);
    parts_.log.write(LogLevel::info, "tokens and log level have been read again");
}

Heartbeat Daemon::heartbeat() const {
    const WorkerStatus status = board_.read();
    const bool healthy = judge(status, parts_.clock.now()) == Health::healthy;
    return {.worker_id = sources_.identity.worker_id,
            .time = parts_.clock.wall_now(),
            .health = std::string(wire_name(healthy ? Health::healthy : Health::degraded)),
            .vram_used_bytes = status.backend.device_bytes,
            .vram_total_bytes = status.device_total_bytes,
            .memory_used_bytes = process_rss_bytes(),
            .device = sources_.model.device,
            .slots_total = status.backend.slots_total,
            .slots_busy = status.backend.slots_busy,
            .queue_depth = status.jobs_queued,
            .tokens_per_second = status.has_work() ? status.tokens_per_second : 0,
            .model = sources_.identity.model_ref,
            .state = std::string(state_word(status))};
}

ReadyCallback Daemon::ready_callback() const {
    const std::string& device = sources_.model.device;
    return {.worker_id = sources_.identity.worker_id,
            .url = {},  // the link's to fill in: it depends on the way to the hive
            .model_ref = sources_.identity.model_ref,
            .backend = device.substr(0, device.find(':')),
            .device = parts_.config.devices.empty() ? 0 : parts_.config.devices.front(),
            .vram_bytes = board_.read().backend.device_bytes};
}

void Daemon::shut_down() {
    boost::asio::post(io_, [this] { life_->shut_down(); });
}

}  // namespace worker
