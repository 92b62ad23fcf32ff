// An HTTP client: one request after the other to any server, each with a time limit and a stop.
//
// Units    Times are std::chrono; sizes bytes.
// Errors   unavailable: no connection, a cut one, too slow. config: an address, certificate or key that does not do, a server that
//          is not the one its certificate names. protocol: an answer that is no HTTP, or too large. abandoned: stopped. Any status is
//          an answer. Neither credentials nor bodies are in a message.
// Threads  A client is of one thread; a stop may come from any.
// Source   libcurl 7.88 (multi interface); RFC 9110.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/secret.h"

namespace tailrace::net {

struct HttpSettings {
  std::string user = {};  // Empty: no basic authentication.
  Secret password = {};
  std::string ca_file = {};  // Empty: the system's.
  bool verify = true;        // The server's certificate and name.
  // Of our own, in PEM; empty: none.
  std::string certificate_file = {};
  std::string key_file = {};
  Secret key_password = {};
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds timeout{30'000};  // Of a request as a whole.
  std::size_t max_answer_bytes = 16u << 20;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url = {};
  std::vector<std::string> headers = {};  // "Name: value"
  std::string body = {};
};

struct HttpAnswer {
  int status = 0;
  std::string body = {};
};

class HttpClient {
 public:
  explicit HttpClient(HttpSettings settings);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  HttpAnswer send(const HttpRequest& request, const std::stop_token& stop);

 private:
  struct Handles;

  void prepare(const HttpRequest& request, HttpAnswer& answer);
  void authenticate();

  HttpSettings settings_;
  std::unique_ptr<Handles> handles_;
};

// As part of a path: everything but letters, digits and -._~ escaped.
std::string escaped_for_url(std::string_view text);
// Why it is no http or https address of a server, or "": credentials in it are a reason too.
std::string fault_of_url(const std::string& url);

}  // namespace tailrace::net
