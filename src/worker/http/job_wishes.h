// What a caller's body says of its job whatever the modality, and the reply that it asks for.
#pragma once

#include "worker/base/result.h"
#include "worker/http/message.h"
#include "worker/validation/rules.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace worker {

// Source: wire contract, 4.1 and 4.2.
struct JobWishes {
    std::optional<std::string> job_id = {};
    std::optional<bool> stream = {};
    std::int32_t priority = 0;
    std::optional<std::string> operation = {};  // a queen's word for what it wants
};

// What fields of these accept.
inline constexpr Text job_id_form = {
    .non_empty = true, .bytes_max = 256, .alphabet = "A-Za-z0-9_.:-"};
inline constexpr IntegerOf<std::int32_t> priority_form = {.min = -10, .max = 10};

// Whether a POST without any wish is answered by its own stream: so it is for a hive that starts
// the worker with a callback.
enum class OneCall : std::uint8_t { on_request, by_default };

// What a POST is answered with.
enum class ReplyKind : std::uint8_t { job, stream, whole };

// Source: wire contract, 4.2. An explicit `stream` says more than the hints do.
ReplyKind reply_kind(const JobWishes& wishes, const Request& request, OneCall one_call);

// A worker has one operation. Errors: invalid_request, where the caller wants another.
Result<void> check_operation(const std::optional<std::string>& wanted, std::string_view ours);

}  // namespace worker
