#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace worker {

enum class ViolationKind : std::uint8_t {
    shape,  // missing, or of another JSON type
    value,  // of the right type, but outside what is accepted
};

// One rule that one field of a request breaks. Source: wire contract, 4.1.
struct Violation {
    ViolationKind kind;
    std::string field;       // "max_tokens"
    std::string constraint;  // "range(1..=2048)", for programs
    std::string message;     // "max_tokens must be at least 1", for people
    // What was found, where that is a number or a count. Text is never repeated: it may be private.
    std::optional<std::string> value = std::nullopt;
};

using Violations = std::vector<Violation>;

// Where looking for more in a long list stops, so that a reply stays in proportion to its request.
inline constexpr std::size_t violations_max = 100;

// 422 where anything has the wrong shape, else 400.
int http_status(const Violations& violations);

// {"errors":[{"field","constraint","message","value"?}]}, in the order of the list.
std::string violations_body(const Violations& violations);

}  // namespace worker
