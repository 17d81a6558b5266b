#include "worker/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace worker {

void assert_failed(const char* expression, const char* file, int line) noexcept {
    std::fprintf(stderr, "error: broken invariant: %s at %s:%d\n", expression, file, line);
    std::abort();
}

}  // namespace worker
