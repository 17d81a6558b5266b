#include "llm/text/stop_strings.h"

#include "worker/base/assert.h"

#include <algorithm>
#include <utility>

namespace llm {

StopStrings::Search::Search(std::string text) : stop(std::move(text)), fallback(stop.size(), 0) {
    WORKER_ASSERT(!stop.empty());
    for (std::size_t n = 1, matched = 0; n + 1 < stop.size(); ++n) {
        while (matched > 0 && stop[n] != stop[matched]) matched = fallback[matched];
        if (stop[n] == stop[matched]) ++matched;
        fallback[n + 1] = matched;
    }
}

bool StopStrings::Search::advance(char next) {
    while (length > 0 && stop[length] != next) length = fallback[length];
    if (stop[length] == next) ++length;
    return length == stop.size();
}

StopStrings::StopStrings(std::vector<std::string> stops) {
    for (std::string& stop : stops) searches_.emplace_back(std::move(stop));
}

StopStrings::Output StopStrings::push(std::string_view text) {
    Output output;
    for (const char next : text) {
        held_ += next;
        for (std::size_t i = 0; i < searches_.size(); ++i) {
            const bool complete = searches_[i].advance(next);
            if (complete && (!output.matched ||
                             searches_[i].stop.size() > searches_[*output.matched].stop.size())) {
                output.matched = i;
            }
        }
        if (output.matched) {
            held_.resize(held_.size() - searches_[*output.matched].stop.size());
            output.text = flush();
            return output;
        }
    }

    std::size_t keep = 0;
    for (const Search& search : searches_) keep = std::max(keep, search.length);
    output.text = held_.substr(0, held_.size() - keep);
    held_.erase(0, held_.size() - keep);
    return output;
}

std::string StopStrings::flush() {
    return std::exchange(held_, {});
}

}  // namespace llm
