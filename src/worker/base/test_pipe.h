#pragma once

#include "worker/base/assert.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>

namespace worker {

// For tests: a pipe whose reading end never waits, and whose writing end is as a parent process
// would hand it over.
class TestPipe {
public:
    TestPipe() {
        WORKER_ASSERT(pipe(ends_.data()) == 0);
        WORKER_ASSERT(fcntl(ends_[0], F_SETFL, O_NONBLOCK) == 0);
    }
    ~TestPipe() {
        close_reading_end();
        close(ends_[1]);
    }
    TestPipe(const TestPipe&) = delete;
    TestPipe& operator=(const TestPipe&) = delete;

    int writing_end() const { return ends_[1]; }

    void close_reading_end() {
        if (ends_[0] >= 0) close(ends_[0]);
        ends_[0] = -1;
    }

    // All that was written and not read yet.
    std::string read_all() {
        std::string all;
        std::array<char, 4096> buffer;
        for (;;) {
            const ssize_t n = read(ends_[0], buffer.data(), buffer.size());
            if (n <= 0) return all;
            all.append(buffer.data(), static_cast<std::size_t>(n));
        }
    }

private:
    std::array<int, 2> ends_{};
};

}  // namespace worker
