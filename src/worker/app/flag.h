#pragma once

#include "worker/base/result.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace worker {

// The way into the field that a flag sets, and back.
struct Setting {
    std::function<Result<void>(std::string_view text)>
        apply;                          // Errors: usage_invalid, "must be …".
    std::function<std::string()> show;  // as `apply` reads it, secrets masked; empty: unset
    bool quoted = true;                 // `show` needs quotes to be a TOML value
};

enum class FlagScope : std::uint8_t { anywhere, not_in_file, environment_only };

// One thing that can be set from outside: a row of the table which command line, environment,
// configuration file, help and `--check-config` all follow.
struct Flag {
    std::string name;                         // without dashes: "context-size"
    std::vector<std::string> aliases = {};    // with dashes: "-c", "--ctx-size"
    std::vector<std::string> variables = {};  // beside LLM_WORKER_<NAME>
    std::string value_word = {};              // in the help; empty: a switch
    std::string help = {};
    std::string default_text = {};  // in the help, where the field's first value does not say it
    Setting setting = {};
    FlagScope scope = FlagScope::anywhere;
    bool repeatable = false;
    bool hide_value = false;  // It is a secret or may hold one: messages name its source only.

    bool is_switch() const { return value_word.empty(); }
    std::string spelling() const { return "--" + name; }
    // Every environment variable that sets it, the strongest first.
    std::vector<std::string> variable_names() const;
};

struct FlagGroup {
    std::string title;
    std::vector<Flag> flags;
};

// All rows of a worker: every worker's and its modality's.
class FlagTable {
public:
    // Requires: no two flags share a spelling.
    explicit FlagTable(std::vector<FlagGroup> groups);
    FlagTable(const FlagTable&) = delete;
    FlagTable& operator=(const FlagTable&) = delete;

    const std::vector<FlagGroup>& groups() const { return groups_; }
    std::vector<const Flag*> flags() const;
    // "--port", "-np" → its row; null when there is none.
    const Flag* find(std::string_view spelling) const;

private:
    std::vector<FlagGroup> groups_;
    std::map<std::string, const Flag*, std::less<>> by_spelling_;
};

}  // namespace worker
