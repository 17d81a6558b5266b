#pragma once

#include "worker/app/config.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace worker {

// Where a test's worker starts: a command line, variables and nothing else.
struct Start {
    std::string line = "";  // after the program's name; words separated by blanks
    std::map<std::string, std::string> variables = {};
    std::string program = "llm-worker-rbee";
    bool terminal = false;
};

inline std::vector<std::string> words_of(const std::string& line) {
    std::istringstream in(line);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    return words;
}

inline Environment environment_of(const Start& start) {
    return {.variable = [variables = start.variables](
                            const std::string& name) -> std::optional<std::string> {
                const auto found = variables.find(name);
                if (found == variables.end()) return {};
                return found->second;
            },
            .stderr_is_terminal = start.terminal};
}

inline Result<Invocation> invoke(const Start& start, const std::vector<FlagGroup>& more = {}) {
    std::vector<std::string> arguments = words_of(start.line);
    arguments.insert(arguments.begin(), start.program);
    return parse_invocation(arguments, environment_of(start),
                            {.name = "llm-worker-rbee",
                             .version = "1.2.3",
                             .summary = "Serves one model over HTTP.",
                             .flags = more});
}

// "2: message" or "1: message" as the process would end; "" when it would start.
inline std::string refusal(const Start& start) {
    const Result<Invocation> invocation = invoke(start);
    if (invocation) return "";
    const bool usage = invocation.error().code == ErrorCode::usage_invalid;
    return (usage ? "2: " : "1: ") + invocation.error().message;
}

// A file of settings or tokens that is gone after the test, readable by its owner only.
class SettingsFile {
public:
    explicit SettingsFile(const std::string& text) {
        std::string name = (std::filesystem::temp_directory_path() / "worker-XXXXXX").string();
        const int descriptor = mkstemp(name.data());
        path_ = name;
        std::ofstream(path_, std::ios::binary) << text;
        close(descriptor);
    }
    ~SettingsFile() { std::filesystem::remove(path_); }
    SettingsFile(const SettingsFile&) = delete;
    SettingsFile& operator=(const SettingsFile&) = delete;

    const std::string& path() const { return path_; }

private:
    std::string path_;
};

}  // namespace worker
