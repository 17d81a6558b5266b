#pragma once

#include "worker/app/draft.h"
#include "worker/app/given.h"

#include <string>

namespace worker {

// What defaults may depend on beside the settings themselves.
struct Surroundings {
    std::string program_path;  // argv[0]
    bool stderr_is_terminal = false;
};

// Where the flag's value came from, or the flag that would give it.
std::string named(const Sources& sources, const std::string& flag);

// Completes `draft.config`: reads the tokens, fills in the defaults that depend on other settings,
// refuses what contradicts itself, and collects warnings. Source: wire contract, section 1 (modes).
// Errors: usage_invalid without a model; config_invalid, naming both sides of a contradiction.
Result<void> resolve(Draft& draft, const Sources& sources, const Surroundings& surroundings);

}  // namespace worker
