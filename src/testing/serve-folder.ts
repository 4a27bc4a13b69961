import {createServer} from "node:http";
import type {AddressInfo} from "node:net";
import sirv from "sirv";

export interface FolderServer {
  /** "http://127.0.0.1:41234" */
  origin: string;
  close(): void;
}

/** Serves the files of a folder as they are at each request, on the loopback interface and a free port. */
export async function serveFolder(folder: string): Promise<FolderServer> {
  const server = createServer(sirv(folder, {dev: true}));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      server.closeAllConnections();
    }
  };
}
