#pragma once

#include "worker/base/error.h"

#include <tl/expected.hpp>

#include <string>
#include <utility>

namespace worker {

// A value, or the reason why there is none.
template <class T>
using Result = tl::expected<T, Error>;

// `return fail(ErrorCode::not_found, "no such job");`
inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
    return tl::make_unexpected(Error{code, std::move(message), std::nullopt});
}

inline tl::unexpected<Error> fail(Error error) {
    return tl::make_unexpected(std::move(error));
}

}  // namespace worker
