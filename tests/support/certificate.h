#pragma once

#include "tests/support/temporary_file.h"

#include <cstdint>
#include <string>

namespace worker {

// A certificate for localhost that nobody has signed but itself, and its key, as files of their
// own.
class Certificate {
public:
    // `locked`: elliptic, its key under a passphrase.
    enum class Kind : std::uint8_t { elliptic, rsa, locked };

    explicit Certificate(const std::string& name, Kind kind = Kind::elliptic);

    std::string chain_path() const { return chain_.path().string(); }
    std::string key_path() const { return key_.path().string(); }

private:
    const TemporaryFile chain_;
    const TemporaryFile key_;
};

}  // namespace worker
