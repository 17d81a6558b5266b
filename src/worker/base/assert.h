#pragma once

namespace worker {

// Prints the broken invariant to stderr and aborts.
[[noreturn]] void assert_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace worker

// An invariant of our own code. Always on. Never for input: input gets an Error.
#define WORKER_ASSERT(expression) \
    ((expression) ? void(0) : ::worker::assert_failed(#expression, __FILE__, __LINE__))
