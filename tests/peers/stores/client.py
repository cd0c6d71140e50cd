"""The vendors' own clients: put, get, list, describe and make what lies in an object store, one act a call.

`client.py s3|azure ENDPOINT ACT …`, `client.py key`; the s3 keys are in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
"""

import json
import sys


def s3(endpoint, act, *words):
    import boto3

    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    if act == "make":
        client.create_bucket(Bucket=words[0])
    elif act == "put":
        with open(words[2], "rb") as file:
            client.put_object(Bucket=words[0], Key=words[1], Body=file.read())
    elif act == "get":
        sys.stdout.buffer.write(client.get_object(Bucket=words[0], Key=words[1])["Body"].read())
    elif act == "list":
        found = client.list_objects_v2(Bucket=words[0]).get("Contents", [])
        print(json.dumps([entry["Key"] for entry in found]))
    elif act == "head":
        head = client.head_object(Bucket=words[0], Key=words[1])
        print(json.dumps({name: head.get(name) for name in ("ServerSideEncryption", "SSEKMSKeyId", "ContentLength")}))
    elif act == "user":
        iam = boto3.client("iam", endpoint_url=endpoint, region_name="us-east-1")
        iam.create_user(UserName="olga")
        allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        iam.put_user_policy(UserName="olga", PolicyName="all", PolicyDocument=json.dumps(allow))
        client.create_bucket(Bucket=words[0])
        key = iam.create_access_key(UserName="olga")["AccessKey"]
        print(json.dumps([key["AccessKeyId"], key["SecretAccessKey"]]))
    else:
        raise SystemExit(f"there is no act {act}")


def azure(endpoint, act, *words):
    from azure.storage.blob import BlobServiceClient

    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
    client = BlobServiceClient(endpoint, credential=key)
    if act == "make":
        client.create_container(words[0])
    elif act == "put":
        with open(words[2], "rb") as file:
            client.get_blob_client(words[0], words[1]).upload_blob(file.read())
    elif act == "get":
        sys.stdout.buffer.write(client.get_blob_client(words[0], words[1]).download_blob().readall())
    elif act == "list":
        print(json.dumps([blob.name for blob in client.get_container_client(words[0]).list_blobs()]))
    else:
        raise SystemExit(f"there is no act {act}")


def key():
    """Prints a new private key and its public half, PEM."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import rsa

    new = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = new.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    public = new.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    print(json.dumps([private.decode(), public.decode()]))


if __name__ == "__main__":
    {"s3": s3, "azure": azure, "key": key}[sys.argv[1]](*sys.argv[2:])
