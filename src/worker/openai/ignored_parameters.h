#pragma once

#include "worker/openai/openai_error.h"

#include <boost/json/array.hpp>

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace worker {

// A parameter that was accepted and has no effect.
struct IgnoredParameter {
    std::string param;
    std::string reason;

    bool operator==(const IgnoredParameter&) const = default;
};

// Where telling them one by one stops, so that a reply stays in proportion to its request.
inline constexpr std::size_t ignored_max = 100;

// Collects what a request asks for in vain, each parameter once.
class IgnoredParameters {
public:
    void add(std::string_view param, std::string_view reason);
    // In the order of their first mention; where there were too many, the last one says so.
    std::vector<IgnoredParameter> take() &&;

private:
    std::set<std::string, std::less<>> known_;
    std::vector<IgnoredParameter> list_;
    std::size_t left_out_ = 0;
};

// The reply's `x_ignored`.
boost::json::array ignored_json(const std::vector<IgnoredParameter>& ignored);

// What a client hears that sent `x-strict-parameters: true` and a parameter without effect.
std::optional<OpenAiError> strict_objection(const Fields& fields,
                                            const std::vector<IgnoredParameter>& ignored);

}  // namespace worker
