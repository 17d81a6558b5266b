#include "llm/engine_choice.h"

#include "cpu/text_model.h"

namespace llm {

using worker::ErrorCode;
using worker::Result;

namespace {

// Why the native engine cannot do what the settings ask for; empty where it can.
std::string setting_against(const AllSettings& settings, const std::string& device_kind) {
    if (device_kind != "cpu") return "the model is computed on " + device_kind;
    if (settings.text.kv_type != "f16") return "of --kv-type " + settings.text.kv_type;
    if (settings.worker.mlock) return "of --mlock";
    return {};
}

}  // namespace

std::string_view name(Engine engine) {
    return engine == Engine::cpu ? "cpu" : "llama";
}

Result<EngineChoice> choose_engine(const AllSettings& settings, const std::string& device_kind,
                                   const std::vector<std::filesystem::path>& paths) {
    if (settings.text.engine == "llama") return EngineChoice{};
    const bool wanted = settings.text.engine == "cpu";
    if (std::string against = setting_against(settings, device_kind); !against.empty()) {
        if (!wanted) return EngineChoice{.reason = std::move(against)};
        return worker::fail(ErrorCode::config_invalid,
                            "--engine cpu cannot be used, since " + against +
                                ": remove either, or say --engine llama");
    }
    const Result<void> supported = cpu::check_supported(paths);
    if (supported) return EngineChoice{.engine = Engine::cpu};
    if (supported.error().code != ErrorCode::model_unsupported)
        return worker::fail(supported.error());
    std::string unknown = "it does not compute " + supported.error().message;
    if (!wanted) return EngineChoice{.reason = std::move(unknown)};
    return worker::fail(ErrorCode::model_unsupported,
                        "--engine cpu cannot be used, since " + unknown + ": say --engine llama");
}

}  // namespace llm
