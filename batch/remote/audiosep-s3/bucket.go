package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/audiosep/audiosep/batch/helper"
)

// bucket is what lies below a prefix of a bucket, as a helper.Store.
type bucket struct {
	client minio.Core
	name   string
	prefix string // empty, or with a / at its end
}

// tries is how often a request is sent that the store or the network answers with a passing fault.
const tries = 5

// partSize is that of the parts in which long files travel; shorter ones do so at once.
const partSize = 64 << 20

// open opens s3://BUCKET/PREFIX. Of a bucket without a prefix those who may see nothing but what is below one may
// open all, and are told when they ask for more.
func open(ctx context.Context, name string) (helper.Store, error) {
	u, ok := helper.ParseURL(name)
	if !ok || u.Scheme != "s3" || u.Bucket == "" {
		return nil, fmt.Errorf("%q names no bucket; want s3://BUCKET or s3://BUCKET/PREFIX", name)
	}
	host, secure := "s3.amazonaws.com", true
	if at := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL")); at != "" {
		e, err := url.Parse(at)
		if err != nil || e.Host == "" || e.Scheme != "http" && e.Scheme != "https" {
			return nil, fmt.Errorf("AWS_ENDPOINT_URL is %q; want one such as https://minio.example.org:9000", at)
		}
		if strings.Trim(e.Path, "/") != "" {
			return nil, fmt.Errorf("AWS_ENDPOINT_URL is %q, with a path, which cannot be asked; want it without: %s://%s", at, e.Scheme, e.Host)
		}
		host, secure = e.Host, e.Scheme == "https"
	}
	client, err := minio.New(host, &minio.Options{
		Creds:      credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{}}),
		Secure:     secure,
		Region:     cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")),
		MaxRetries: tries,
	})
	if err != nil {
		return nil, err
	}
	b := &bucket{client: minio.Core{Client: client}, name: u.Bucket}
	if u.Key != "" {
		b.prefix = u.Key + "/"
	}
	_, err = b.list(ctx, "", "", 1) // that there is such a bucket, and who asks may see it
	if b.prefix == "" && minio.ToErrorResponse(err).Code == "AccessDenied" {
		err = nil
	}
	return b, err
}

func (b *bucket) Close() error { return nil }

// pageSize is how many objects a request lists.
const pageSize = 1000

func (b *bucket) List(ctx context.Context, prefix, after string) ([]helper.Object, error) {
	return b.list(ctx, prefix, after, pageSize)
}

func (b *bucket) list(ctx context.Context, prefix, after string, most int) (all []helper.Object, err error) {
	o := minio.ListObjectsOptions{Prefix: b.prefix + prefix, Recursive: true, MaxKeys: most}
	if after != "" {
		o.StartAfter = b.prefix + after
	}
	for info := range b.client.ListObjectsIter(ctx, b.name, o) {
		if info.Err != nil {
			return all, b.told(info.Err)
		}
		all = append(all, b.object(strings.TrimPrefix(info.Key, b.prefix), info))
		if len(all) == most {
			break
		}
	}
	return all, nil
}

func (b *bucket) object(name string, info minio.ObjectInfo) helper.Object {
	return helper.Object{Name: name, Bytes: info.Size, Tag: strings.Trim(info.ETag, `"`), Written: info.LastModified}
}

func (b *bucket) Read(ctx context.Context, name string) ([]byte, helper.Object, error) {
	var text bytes.Buffer
	info, err := b.get(ctx, name, &text)
	return text.Bytes(), b.object(name, info), err
}

// get reads an object.
func (b *bucket) get(ctx context.Context, name string, w io.Writer) (minio.ObjectInfo, error) {
	r, info, _, err := b.client.GetObject(ctx, b.name, b.prefix+name, minio.GetObjectOptions{})
	if err != nil {
		return info, b.told(err)
	}
	defer r.Close()
	n, err := io.Copy(w, r)
	if err == nil && n != info.Size {
		err = fmt.Errorf("%s ended after %d of %d bytes; want all of them", name, n, info.Size)
	}
	return info, err
}

func (b *bucket) Write(ctx context.Context, name string, text []byte, only helper.Only) (helper.Object, error) {
	var o minio.PutObjectOptions
	if only.Absent {
		o.SetMatchETagExcept("*")
	} else if only.Tag != "" {
		o.SetMatchETag(only.Tag)
	}
	o.DisableMultipart = true
	info, err := b.client.Client.PutObject(ctx, b.name, b.prefix+name, bytes.NewReader(text), int64(len(text)), o)
	return helper.Object{Name: name, Bytes: info.Size, Tag: strings.Trim(info.ETag, `"`), Written: info.LastModified}, b.told(err)
}

// Download begins again when the line is cut.
func (b *bucket) Download(ctx context.Context, name, file string) (err error) {
	for range tries {
		if err = b.download(ctx, name, file); err == nil || errors.Is(err, fs.ErrNotExist) || ctx.Err() != nil {
			break
		}
		if answer := minio.ToErrorResponse(err); answer.StatusCode != 0 || errors.As(err, new(*fs.PathError)) {
			break // an answer, or a fault of the disk
		}
	}
	return err
}

func (b *bucket) download(ctx context.Context, name, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = b.get(ctx, name, f)
	return errors.Join(err, f.Close())
}

func (b *bucket) Upload(ctx context.Context, name, file string) error {
	_, err := b.client.FPutObject(ctx, b.name, b.prefix+name, file, minio.PutObjectOptions{PartSize: partSize})
	return b.told(err)
}

func (b *bucket) Remove(ctx context.Context, name string) error {
	err := b.told(b.client.RemoveObject(ctx, b.name, b.prefix+name, minio.RemoveObjectOptions{}))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// answerError is an answer of the store, of a kind that batch knows.
type answerError struct {
	error
	kind error
}

func (e answerError) Is(target error) bool { return target == e.kind }
func (e answerError) Unwrap() error        { return e.error }

// told gives an answer of the store its kind.
func (b *bucket) told(err error) error {
	if err == nil {
		return nil
	}
	answer := minio.ToErrorResponse(err)
	switch {
	case answer.Code == "NoSuchBucket":
		return fmt.Errorf("there is no bucket %s: %w", b.name, err)
	case answer.StatusCode == http.StatusNotFound || answer.Code == "NoSuchKey":
		return answerError{err, fs.ErrNotExist}
	case answer.StatusCode == http.StatusPreconditionFailed, answer.StatusCode == http.StatusConflict && strings.Contains(answer.Code, "Conditional"):
		return answerError{err, helper.ErrHeld}
	}
	return err
}
