"""An artifact plugin with Google's gRPC: `plugin.py SOCKET FOLDER NAME` keeps artifacts in the folder.

Strict: another name, a key that leads elsewhere, a path that is not absolute, or a target that is there is refused.
`configuration` makes it misbehave: `link`, `nothing`, `many`, `fail`, `status`. Prints `ready 0`; ends with its input.
"""

import os
import shutil
import sys
from concurrent import futures
from pathlib import Path

import grpc

protos, services = grpc.protos_and_services("artifact.proto")
SOCKET, FOLDER, NAME = sys.argv[1], Path(sys.argv[2]), sys.argv[3]


class Service(services.ArtifactServiceServicer):
    def kept(self, artifact, context):
        plugin = artifact.plugin
        parts = plugin.key.split("/")
        if plugin.name != NAME or not plugin.key or ".." in parts or plugin.key.startswith("/"):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"no artifact of {NAME}: {plugin}")
        if plugin.configuration == "status":
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "not for you")
        return FOLDER / plugin.key

    def Load(self, request, context):
        source, target = self.kept(request.input_artifact, context), Path(request.path)
        how = request.input_artifact.plugin.configuration
        if not target.is_absolute() or target.exists():
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"no place for it: {target}")
        if how == "nothing":
            return protos.LoadArtifactResponse(success=True)
        if how == "fail":
            return protos.LoadArtifactResponse(success=False, error="the disk is on fire")
        if how == "link":
            target.mkdir()
            os.symlink("/etc/passwd", target / "x")
            return protos.LoadArtifactResponse(success=True)
        if how == "many":
            target.mkdir()
            for number in range(20):
                (target / str(number)).write_text("x")
            return protos.LoadArtifactResponse(success=True)
        if not source.exists():
            context.abort(grpc.StatusCode.NOT_FOUND, "no such key")
        shutil.copytree(source, target) if source.is_dir() else shutil.copyfile(source, target)
        return protos.LoadArtifactResponse(success=True)

    def Save(self, request, context):
        target, source = self.kept(request.output_artifact, context), Path(request.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copyfile(source, target)
        return protos.SaveArtifactResponse(success=True)

    def Delete(self, request, context):
        target = self.kept(request.artifact, context)
        if not target.exists():
            context.abort(grpc.StatusCode.NOT_FOUND, "no such key")
        shutil.rmtree(target) if target.is_dir() else target.unlink()
        return protos.DeleteArtifactResponse(success=True)

    def ListObjects(self, request, context):
        below = self.kept(request.artifact, context)
        found = [str(path.relative_to(FOLDER)) for path in below.rglob("*") if path.is_file()]
        return protos.ListObjectsResponse(objects=found)


server = grpc.server(futures.ThreadPoolExecutor(4))
services.add_ArtifactServiceServicer_to_server(Service(), server)
server.add_insecure_port(f"unix://{SOCKET}")
server.start()
print("ready 0", flush=True)
sys.stdin.read()
