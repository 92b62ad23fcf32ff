// Finding a connection's socket, and ending it.
#include "sqlserver/server_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "base/log.h"

namespace tailrace::sqlserver {
namespace {

using Inode = std::uint64_t;

// The process's sockets: inode -> descriptor. By the links' texts, so that no descriptor of others is touched. An
// inode is not given away again while anything holds it; a descriptor is.
std::map<Inode, int> own_sockets() {
  constexpr std::string_view prefix = "socket:[";
  std::map<Inode, int> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const std::string target = std::filesystem::read_symlink(entry.path(), error);
    if (error || !target.starts_with(prefix)) continue;
    out[std::stoull(target.substr(prefix.size()))] = std::stoi(entry.path().filename());
  }
  return out;
}

// Adds the inodes of the TCP connections to a peer's port; 0: any. proc(5), /proc/net/tcp: after a line of titles
// "sl local:port remote:port state queues timer retransmits uid timeout inode", ports in hexadecimal.
void add_connected(const char* path, std::uint16_t port, std::set<Inode>& out) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string word;
    std::string peer;
    Inode inode = 0;
    words >> word >> word >> peer >> word >> word >> word >> word >> word >> word >> inode;
    const std::size_t colon = peer.find(':');
    if (!words || colon == std::string::npos) continue;
    const unsigned long peer_port = std::stoul(peer.substr(colon + 1), nullptr, 16);
    if (peer_port != 0 && (port == 0 || peer_port == port)) out.insert(inode);
  }
}

std::set<Inode> connected_to(std::uint16_t port) {
  std::set<Inode> out;
  add_connected("/proc/self/net/tcp", port, out);
  add_connected("/proc/self/net/tcp6", port, out);
  return out;
}

}  // namespace

ServerSocket::~ServerSocket() {
  if (handle_ >= 0) ::close(handle_);
}

void ServerSocket::find_around(std::uint16_t port, const std::function<void()>& connect) {
  const std::map<Inode, int> before = own_sockets();
  connect();
  std::map<Inode, int> opened = own_sockets();
  const std::set<Inode> connected = connected_to(port);
  std::erase_if(opened, [&](const auto& socket) {
    return before.contains(socket.first) || !connected.contains(socket.first);
  });
  if (opened.size() == 1) handle_ = ::fcntl(opened.begin()->second, F_DUPFD_CLOEXEC, 0);
}

void ServerSocket::keep_alive(std::chrono::seconds idle, std::chrono::seconds interval) const {
  if (!found()) return;
  constexpr int questions = 3;
  const auto set = [&](int level, int option, auto value) {
    const int number = static_cast<int>(value);
    if (::setsockopt(handle_, level, option, &number, sizeof number) != 0)
      log::warn("source.keepalive", {{"option", option}, {"error", std::strerror(errno)}});
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, idle.count());
  set(IPPROTO_TCP, TCP_KEEPINTVL, interval.count());
  set(IPPROTO_TCP, TCP_KEEPCNT, questions);
  // Without it what is on its way is sent again and again for a quarter of an hour.
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, std::chrono::milliseconds(idle + questions * interval).count());
}

void ServerSocket::shut_down() const {
  ::shutdown(handle_, SHUT_RDWR);
}

}  // namespace tailrace::sqlserver
