#include "worker/app/flag.h"

#include "worker/base/assert.h"

#include <cctype>

namespace worker {

std::vector<std::string> Flag::variable_names() const {
    std::string own = "LLM_WORKER_" + name;
    for (char& c : own) {
        c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    std::vector<std::string> names{std::move(own)};
    names.insert(names.end(), variables.begin(), variables.end());
    return names;
}

FlagTable::FlagTable(std::vector<FlagGroup> groups) : groups_(std::move(groups)) {
    for (const Flag* flag : flags()) {
        WORKER_ASSERT(by_spelling_.emplace(flag->spelling(), flag).second);
        for (const std::string& alias : flag->aliases) {
            WORKER_ASSERT(by_spelling_.emplace(alias, flag).second);
        }
    }
}

std::vector<const Flag*> FlagTable::flags() const {
    std::vector<const Flag*> all;
    for (const FlagGroup& group : groups_) {
        for (const Flag& flag : group.flags) all.push_back(&flag);
    }
    return all;
}

const Flag* FlagTable::find(std::string_view spelling) const {
    const auto found = by_spelling_.find(spelling);
    return found == by_spelling_.end() ? nullptr : found->second;
}

}  // namespace worker
