#pragma once

#include "worker/http/message.h"
#include "worker/http/server.h"

#include <cstdint>
#include <memory>
#include <string>

namespace worker {

// How many connections there may be, and how many of one address. Loopback and whoever shows a
// token are exempt from the latter; so that a token can be shown where an address has as many as
// it may, a few more are taken provisionally. Source: wire contract, 1. Thread: io.
class ConnectionQuota {
    struct Counts;

public:
    // One connection's share, given back at its end. It may outlive the quota: what is left of a
    // coroutine may hold it for longer than the server lives.
    class Place {
    public:
        enum class Standing : std::uint8_t { counted, provisional, exempt };

        Place(std::shared_ptr<Counts> counts, std::string address, Standing standing);
        ~Place();
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;

        Standing standing() const { return standing_; }
        // Its client is known: the address may have another in its stead.
        void exempt();

    private:
        const std::shared_ptr<Counts> counts_;
        const std::string address_;
        Standing standing_;
    };

    explicit ConnectionQuota(const HttpLimits& limits);

    // Null: there is no room.
    std::unique_ptr<Place> take(const std::string& address);

private:
    const HttpLimits limits_;
    const std::shared_ptr<Counts> counts_;
};

// What a client reads that finds no room.
Response no_room_response();

}  // namespace worker
