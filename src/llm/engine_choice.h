#pragma once

#include "llm/settings.h"
#include "worker/base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace llm {

enum class Engine : std::uint8_t { llama, cpu };

// As `--engine` and `/info` call it.
std::string_view name(Engine engine);

struct EngineChoice {
    Engine engine = Engine::llama;
    std::string reason = {};  // Why not the other, where that was not asked for.
};

// The native engine for what it computes on a CPU, else libllama. `device_kind`: of the device that
// was chosen, e.g. "cpu". Errors: config_invalid, model_unsupported, where the native engine was
// asked for and cannot be had; those of reading the files.
worker::Result<EngineChoice> choose_engine(const AllSettings& settings,
                                           const std::string& device_kind,
                                           const std::vector<std::filesystem::path>& paths);

}  // namespace llm
