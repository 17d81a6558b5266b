#pragma once

#include <unistd.h>

#include <utility>

namespace worker {

// A file descriptor that is closed at the end.
class Descriptor {
public:
    // Negative: none, as the calls that open files say it.
    explicit Descriptor(int number = -1) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }

    bool is_open() const { return number_ >= 0; }
    int number() const { return number_; }

private:
    int number_;
};

}  // namespace worker
