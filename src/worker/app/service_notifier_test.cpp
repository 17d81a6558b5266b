#include "worker/app/service_notifier.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <map>
#include <vector>

namespace worker {
namespace {

using std::chrono::microseconds;

// A service manager's end: a bound datagram socket. `name` as in NOTIFY_SOCKET.
class Receiver {
public:
    explicit Receiver(std::string name) : socket_(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
        if (name.front() == '@') name.front() = '\0';
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        name.copy(address.sun_path, sizeof address.sun_path);
        const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
        EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), length), 0);
    }
    ~Receiver() { ::close(socket_); }
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;

    // All that has come.
    std::vector<std::string> take() const {
        std::vector<std::string> messages;
        char buffer[4096];
        for (;;) {
            const ssize_t bytes = ::recv(socket_, buffer, sizeof buffer, MSG_DONTWAIT);
            if (bytes < 0) return messages;
            messages.emplace_back(buffer, static_cast<std::size_t>(bytes));
        }
    }

private:
    const int socket_;
};

Environment environment(std::map<std::string, std::string> variables) {
    return {.variable = [variables](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    }};
}

class ServiceNotifierTest : public testing::Test {
protected:
    ServiceNotifierTest() {
        std::string name = (std::filesystem::temp_directory_path() / "notify.XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
        path_ = folder_ / "socket";
    }
    ~ServiceNotifierTest() override { std::filesystem::remove_all(folder_); }

    std::filesystem::path folder_;
    std::string path_;
};

TEST_F(ServiceNotifierTest, tells_a_socket_of_either_kind) {
    for (const std::string& name : {path_, "@" + path_}) {
        const Receiver receiver(name);
        const ServiceNotifier notifier(environment({{"NOTIFY_SOCKET", name}}));
        notifier.status("loading");
        notifier.ready();
        notifier.alive();
        notifier.stopping();
        EXPECT_EQ(receiver.take(), (std::vector<std::string>{"STATUS=loading", "READY=1",
                                                             "WATCHDOG=1", "STOPPING=1"}))
            << name;
    }
}

TEST_F(ServiceNotifierTest, a_status_is_one_line) {
    const Receiver receiver(path_);
    const ServiceNotifier notifier(environment({{"NOTIFY_SOCKET", path_}}));
    notifier.status("a\nMAINPID=1\n");
    EXPECT_EQ(receiver.take(), std::vector<std::string>{"STATUS=a MAINPID=1 "});
}

TEST_F(ServiceNotifierTest, a_receiver_that_starts_again_is_found_again) {
    const ServiceNotifier notifier(environment({{"NOTIFY_SOCKET", path_}}));
    notifier.ready();
    {
        const Receiver first(path_);
        notifier.alive();
        EXPECT_EQ(first.take().size(), 1u);
    }
    notifier.alive();
    ::unlink(path_.c_str());
    const Receiver second(path_);
    notifier.alive();
    EXPECT_EQ(second.take().size(), 1u);
}

TEST_F(ServiceNotifierTest, a_receiver_that_does_not_read_is_not_waited_for) {
    const Receiver receiver(path_);
    const ServiceNotifier notifier(environment({{"NOTIFY_SOCKET", path_}}));
    constexpr int more_than_any_queue = 20'000;
    for (int message = 0; message < more_than_any_queue; ++message) notifier.alive();
    EXPECT_LT(receiver.take().size(), more_than_any_queue);
    notifier.stopping();
    EXPECT_EQ(receiver.take(), std::vector<std::string>{"STOPPING=1"});
}

TEST_F(ServiceNotifierTest, what_is_no_address_of_a_socket_is_ignored) {
    for (const std::string& name :
         {std::string(), std::string("@"), std::string("/"), std::string("relative"),
          std::string("vsock:2:1234"), "/" + std::string(200, 'x'), path_ + "/nobody"}) {
        const ServiceNotifier notifier(environment({{"NOTIFY_SOCKET", name}}));
        notifier.ready();
    }
    const ServiceNotifier notifier(environment({{"WATCHDOG_USEC", "30000000"}}));
    notifier.ready();
    EXPECT_EQ(notifier.watchdog_interval(), std::nullopt);
}

TEST_F(ServiceNotifierTest, is_alive_twice_in_the_time_that_the_watchdog_waits) {
    const auto check = [&](std::map<std::string, std::string> variables,
                           std::optional<microseconds> expected) {
        variables["NOTIFY_SOCKET"] = path_;
        const ServiceNotifier notifier(environment(variables));
        EXPECT_EQ(notifier.watchdog_interval(), expected) << testing::PrintToString(variables);
    };
    check({{"WATCHDOG_USEC", "30000000"}}, std::chrono::seconds(15));
    check({{"WATCHDOG_USEC", "3"}}, microseconds(1));
    check({{"WATCHDOG_USEC", "18446744073709551614"}}, std::chrono::hours(1));
    for (const auto* patience :
         {"", "0", "1", "-2", "+2", "30s", " 2", "18446744073709551615", "99999999999999999999"})
        check({{"WATCHDOG_USEC", patience}}, std::nullopt);
    check({}, std::nullopt);

    const std::string ours = std::to_string(::getpid());
    const std::string parents = std::to_string(::getppid());
    check({{"WATCHDOG_USEC", "8"}, {"WATCHDOG_PID", ours}}, microseconds(4));
    for (const std::string& other : {parents, ours + "x", std::string()})
        check({{"WATCHDOG_USEC", "8"}, {"WATCHDOG_PID", other}}, std::nullopt);
}

}  // namespace
}  // namespace worker
