// The rows of the views over the server.
#pragma once

namespace tailrace::sim {

class Server;
class VirtualTables;

void add_server_views(Server& server, VirtualTables& tables);
void add_tempdb_views(Server& server, VirtualTables& tables);

}  // namespace tailrace::sim
