#include "worker/app/service_notifier.h"

#include "worker/base/quantities.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace worker {
namespace {

// Empty for what is no address of a local socket: no name, a relative one, another family.
std::string parse_address(std::string text) {
    if (text.size() < 2 || text.size() >= sizeof(sockaddr_un::sun_path)) return {};
    if (text.front() == '@')
        text.front() = '\0';
    else if (text.front() != '/')
        return {};
    return text;
}

std::optional<std::uint64_t> parse_count(const std::optional<std::string>& text) {
    if (!text) return {};
    return parse_decimal(*text);
}

std::optional<std::chrono::microseconds> half_of_watchdog(const Environment& environment) {
    // Said to another process, from which we inherited the variables.
    const auto watched = environment.variable("WATCHDOG_PID");
    if (watched && parse_count(watched) != static_cast<std::uint64_t>(::getpid())) return {};
    const auto patience = parse_count(environment.variable("WATCHDOG_USEC"));
    if (!patience || *patience < 2 || *patience == UINT64_MAX) return {};
    // So long that nobody notices, and so short that a clock can be asked for now and this.
    constexpr std::chrono::microseconds interval_max = std::chrono::hours(1);
    return std::min(std::chrono::microseconds(*patience / 2), interval_max);
}

}  // namespace

ServiceNotifier::ServiceNotifier(const Environment& environment)
    : address_(parse_address(environment.variable("NOTIFY_SOCKET").value_or(""))) {
    if (address_.empty()) return;
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_ >= 0) watchdog_interval_ = half_of_watchdog(environment);
}

ServiceNotifier::~ServiceNotifier() {
    if (socket_ >= 0) ::close(socket_);
}

void ServiceNotifier::ready() const {
    send("READY=1");
}

void ServiceNotifier::stopping() const {
    send("STOPPING=1");
}

void ServiceNotifier::alive() const {
    send("WATCHDOG=1");
}

void ServiceNotifier::status(std::string_view line) const {
    std::string assignment = "STATUS=";
    assignment += line;
    // The next line would be an assignment of its own.
    std::replace(assignment.begin(), assignment.end(), '\n', ' ');
    send(assignment);
}

void ServiceNotifier::send(std::string_view assignment) const {
    if (socket_ < 0) return;
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    address_.copy(address.sun_path, sizeof address.sun_path);
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
    // By name each time, so that a receiver that starts again is found again.
    [[maybe_unused]] const ssize_t lost =
        ::sendto(socket_, assignment.data(), assignment.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address), length);
}

}  // namespace worker
