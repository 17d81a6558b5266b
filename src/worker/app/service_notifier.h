#pragma once

#include "worker/app/config.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace worker {

// Tells the service manager that started us, such as systemd, how we are; tells nobody where the
// environment names none. Never waits: what the receiver has no room for is lost, and so is what
// nobody receives. Thread: any. Source: sd_notify(3), sd_watchdog_enabled(3).
class ServiceNotifier {
public:
    // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
    explicit ServiceNotifier(const Environment& environment);
    ~ServiceNotifier();
    ServiceNotifier(const ServiceNotifier&) = delete;
    ServiceNotifier& operator=(const ServiceNotifier&) = delete;

    void ready() const;
    void stopping() const;
    void alive() const;

    // One line for people, shown by `systemctl status`.
    void status(std::string_view line) const;

    // How often to call `alive`: half of the time after which we would be killed. Nothing when
    // nobody watches us.
    std::optional<std::chrono::microseconds> watchdog_interval() const {
        return watchdog_interval_;
    }

private:
    void send(std::string_view assignment) const;

    std::string address_;  // sockaddr_un::sun_path; an abstract one begins with a zero byte
    int socket_ = -1;      // -1: nobody is told
    std::optional<std::chrono::microseconds> watchdog_interval_;
};

}  // namespace worker
