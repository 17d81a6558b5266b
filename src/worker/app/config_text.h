#pragma once

#include "worker/app/config.h"
#include "worker/app/given.h"

#include <span>
#include <string>

namespace worker {

// A flag that prints something and ends the process, wherever it stands and whatever else is wrong.
struct Question {
    std::string spelling;
    std::string alias;  // empty: none
    std::string help;
    std::function<std::string()> answer;
};

// Requires: nothing was applied yet, so that the fields hold their defaults.
std::string help_text(const Program& program, const FlagTable& table,
                      std::span<const Question> questions);

// What every flag came to, as a configuration file; comments tell the warnings and where each given
// value came from.
std::string resolved_text(const FlagTable& table, const Sources& sources,
                          const std::vector<std::string>& warnings);

}  // namespace worker
