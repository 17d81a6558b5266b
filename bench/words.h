#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace bench {

// Ordinary English words in a random order: prompts that no cache has seen. The same seed gives the
// same words on every machine. Most models have one token for each, with the space before it.
class Words {
public:
    explicit Words(std::uint64_t seed) : random_(seed) {}

    std::string text(std::uint32_t words);

private:
    std::mt19937_64 random_;
};

}  // namespace bench
