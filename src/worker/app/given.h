#pragma once

#include "worker/app/config.h"
#include "worker/app/flag.h"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace worker {

// A text for a flag, and where it stood.
struct Given {
    const Flag* flag;
    std::string text;
    std::string source;   // "--port", "LLM_WORKER_PORT", "worker.toml line 3"
    std::string context;  // what a refusal begins with: "--port 99999", "worker.toml line 3: port"
};

// Flag name → the source that its value came from. Flags that nobody gave are not in it.
using Sources = std::map<std::string, std::string, std::less<>>;

// `arguments` without the program's own path. Errors: usage_invalid: an unknown flag, a value that
// is missing or needless, a flag given twice.
Result<std::vector<Given>> read_command_line(std::span<const std::string> arguments,
                                             const FlagTable& table);

std::vector<Given> read_environment(const Environment& environment, const FlagTable& table);

// The TOML file that `file.text` names, with the flags' names as keys. Errors: config_invalid when
// it cannot be read; usage_invalid with its line for what is not TOML, unknown or no plain value.
Result<std::vector<Given>> read_config_file(const Given& file, const FlagTable& table);

// Adds to `chosen` what `weaker` says of flags that `chosen` says nothing of.
void add_weaker(std::vector<Given>& chosen, std::vector<Given> weaker);

// Errors: usage_invalid, beginning with the context.
Result<void> apply(const std::vector<Given>& chosen);

Sources sources_of(const std::vector<Given>& chosen);

// `text` fit for one line of an error message: at most 100 bytes, no control characters.
std::string excerpt(std::string_view text);

}  // namespace worker
