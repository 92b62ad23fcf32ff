// Finding a connection's socket, and ending it.
#include "sqlserver/server_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>

namespace tailrace::sqlserver {
namespace {

// Inode -> descriptor. Inodes of sockets are not reused while anything holds them; descriptors are.
using Sockets = std::map<ino_t, int>;

bool is_peer_port(int handle, std::uint16_t port) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  if (::getpeername(handle, reinterpret_cast<sockaddr*>(&address), &length) != 0) return false;
  std::uint16_t peer = 0;
  if (address.ss_family == AF_INET) {
    peer = ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  } else if (address.ss_family == AF_INET6) {
    peer = ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  } else {
    return false;
  }
  return port == 0 || peer == port;
}

Sockets connected_to(std::uint16_t port) {
  Sockets out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const std::string name = entry.path().filename();
    int handle = -1;
    std::from_chars(name.data(), name.data() + name.size(), handle);
    struct stat status {};
    if (handle < 0 || ::fstat(handle, &status) != 0 || !S_ISSOCK(status.st_mode)) continue;
    if (is_peer_port(handle, port)) out[status.st_ino] = handle;
  }
  return out;
}

}  // namespace

ServerSocket::~ServerSocket() {
  if (handle_ >= 0) ::close(handle_);
}

void ServerSocket::find_around(std::uint16_t port, const std::function<void()>& connect) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  const Sockets before = connected_to(port);
  connect();
  Sockets opened = connected_to(port);
  std::erase_if(opened, [&](const auto& socket) { return before.contains(socket.first); });
  if (opened.size() == 1) handle_ = ::fcntl(opened.begin()->second, F_DUPFD_CLOEXEC, 0);
}

void ServerSocket::shut_down() const {
  ::shutdown(handle_, SHUT_RDWR);
}

}  // namespace tailrace::sqlserver
