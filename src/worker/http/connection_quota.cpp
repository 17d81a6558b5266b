#include "worker/http/connection_quota.h"

#include "worker/http/local_caller.h"

#include <chrono>
#include <cstddef>
#include <unordered_map>
#include <utility>

namespace worker {

using Standing = ConnectionQuota::Place::Standing;

struct ConnectionQuota::Counts {
    struct OfAddress {
        std::size_t counted = 0;
        std::size_t provisional = 0;
    };

    OfAddress of(const std::string& address) const;
    void add(const std::string& address, Standing standing);
    void remove(const std::string& address, Standing standing);

    std::size_t total = 0;
    std::unordered_map<std::string, OfAddress> by_address;  // those that hold something
};

ConnectionQuota::Counts::OfAddress ConnectionQuota::Counts::of(const std::string& address) const {
    const auto known = by_address.find(address);
    return known == by_address.end() ? OfAddress{} : known->second;
}

void ConnectionQuota::Counts::add(const std::string& address, Standing standing) {
    if (standing == Standing::counted) ++by_address[address].counted;
    if (standing == Standing::provisional) ++by_address[address].provisional;
}

void ConnectionQuota::Counts::remove(const std::string& address, Standing standing) {
    if (standing == Standing::exempt) return;
    const auto known = by_address.find(address);
    OfAddress& held = known->second;
    --(standing == Standing::counted ? held.counted : held.provisional);
    if (held.counted + held.provisional == 0) by_address.erase(known);
}

ConnectionQuota::Place::Place(std::shared_ptr<Counts> counts, std::string address,
                              Standing standing)
    : counts_(std::move(counts)), address_(std::move(address)), standing_(standing) {
    counts_->add(address_, standing_);
    ++counts_->total;
}

ConnectionQuota::Place::~Place() {
    counts_->remove(address_, standing_);
    --counts_->total;
}

void ConnectionQuota::Place::exempt() {
    counts_->remove(address_, standing_);
    standing_ = Standing::exempt;
}

ConnectionQuota::ConnectionQuota(const HttpLimits& limits)
    : limits_(limits), counts_(std::make_shared<Counts>()) {}

std::unique_ptr<ConnectionQuota::Place> ConnectionQuota::take(const std::string& address) {
    if (counts_->total >= limits_.connections) return nullptr;
    const Counts::OfAddress held = counts_->of(address);
    Standing standing = Standing::exempt;
    if (!is_loopback_address(address)) {
        standing = held.counted < limits_.connections_per_address ? Standing::counted
                                                                  : Standing::provisional;
    }
    if (standing == Standing::provisional && held.provisional >= limits_.connections_provisional) {
        return nullptr;
    }
    return std::make_unique<Place>(counts_, address, standing);
}

Response no_room_response() {
    Response response =
        error_response({ErrorCode::insufficient_resources,
                        "the worker has as many connections as it takes", std::chrono::seconds(1)});
    response.close = true;
    return response;
}

}  // namespace worker
