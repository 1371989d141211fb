"""Information exposure: backups, configuration, logs, version control, debug and management endpoints, listings."""

from threatclip.pairs.grammar.start import Start

STARTS = (
    Start("path", weight=20, places=("target",)),
    Start("query_leak", weight=4, places=("target",)),
    Start("api_leak", weight=5, places=("target",)),
    Start("error_probe", weight=2, places=("target",)),
    Start("graphql", weight=1, places=("jsonbody",)),
    Start("form_leak", weight=2, places=("formbody",)),
    Start("message", weight=2, places=("message",)),
)

TEXT = r"""
path := *3 «dir?»«vcs» ¦ *5 «dir?»«config» ¦ *5 «dir?»«backup» ¦ *4 «dir?»«log» ¦ *4 «dir?»«debug» ¦ *4 «actuator»
  ¦ *3 «api_doc» ¦ *3 «dir?»«status» ¦ *2 «listing» ¦ *4 «device» ¦ *3 «cms» ¦ *2 «keys» ¦ *2 «cloud» ¦ *2 «install»
dir := *3 /«word» ¦ /«coined» ¦ /app ¦ /api ¦ /admin ¦ /web ¦ /«word»/«word» ¦ /public ¦ /.. ¦ /static ¦ /backend
  ¦ /«version» ¦ /old ¦ /dev ¦ /test ¦ /portal ¦ /cgi-bin
vcs := *3 /.git/config ¦ /.git/HEAD ¦ /.git/index ¦ /.git/logs/HEAD ¦ /.gitignore ¦ /.gitlab-ci.yml ¦ /.svn/entries
  ¦ /.svn/wc.db ¦ /.hg/hgrc ¦ /.hg/store/00manifest.i ¦ /.bzr/branch/branch.conf ¦ /CVS/Root ¦ /CVS/Entries
  ¦ /.git-credentials ¦ /.git/refs/heads/master ¦ /.git/ ¦ /.gitmodules ¦ /.github/workflows/ci.yml ¦ /.DS_Store
  ¦ /.idea/workspace.xml ¦ /.idea/dataSources.xml ¦ /.vscode/settings.json ¦ /.vscode/sftp.json ¦ /.project
  ¦ /nbproject/project.properties ¦ /.travis.yml ¦ /.circleci/config.yml ¦ /Jenkinsfile ¦ /.drone.yml
config := *4 /.env ¦ /.env.«=local~production~dev~bak~example~staging~backup~old~save» ¦ /config.php ¦ /config.json
  ¦ /config.yml ¦ /config.yaml ¦ /config.ini ¦ /config.xml ¦ /configuration.php ¦ /settings.py ¦ /settings.json
  ¦ /local_settings.py ¦ /web.config ¦ /Web.config ¦ /appsettings.json ¦ /appsettings.Production.json
  ¦ /application.properties ¦ /application.yml ¦ /config/database.yml ¦ /config/databases.yml ¦ /config/secrets.yml
  ¦ /config/master.key ¦ /app/config/parameters.yml ¦ /app/etc/local.xml ¦ /app/etc/env.php ¦ /WEB-INF/web.xml
  ¦ /WEB-INF/classes/application.properties ¦ /META-INF/maven/«coined»/«coined»/pom.properties
  ¦ /wp-config.php«=.bak~~~.old~.save~.swp~.txt~.orig~-backup» ¦ /config.inc.php~ ¦ /conf/«word».«=conf~xml~ini~yml»
  ¦ /config/«word».«=json~yml~php~xml~ini~inc» ¦ /database.yml ¦ /db.php.bak ¦ /db.ini ¦ /dbconfig.xml ¦ /ftpconfig.json
  ¦ /sftp-config.json ¦ /deployment-config.json ¦ /docker-compose.yml ¦ /Dockerfile ¦ /.dockerenv ¦ /.htaccess
  ¦ /.htpasswd ¦ /.npmrc ¦ /.netrc ¦ /.pgpass ¦ /.my.cnf ¦ /.bash_history ¦ /.ssh/id_rsa ¦ /.ssh/known_hosts
  ¦ /.aws/credentials ¦ /.boto ¦ /.s3cfg ¦ /.dbshell ¦ /.esmtprc ¦ /.remote-sync.json ¦ /.editorconfig ¦ /package.json
  ¦ /composer.json ¦ /composer.lock ¦ /yarn.lock ¦ /Gemfile.lock ¦ /Pipfile ¦ /requirements.txt ¦ /Makefile
  ¦ /Vagrantfile ¦ /ansible.cfg ¦ /terraform.tfstate ¦ /.terraform/terraform.tfstate ¦ /kustomization.yml ¦ /values.yaml
  ¦ /parameters.yml ¦ /nginx.conf ¦ /httpd.conf ¦ /php.ini ¦ /my.cnf ¦ /redis.conf ¦ /server.cfg ¦ /proftpd.ini
  ¦ /sitecore/shell/sitecore.version.xml ¦ /elmah.axd ¦ /trace.axd ¦ /global.asa ¦ /crossdomain.xml
  ¦ /clientaccesspolicy.xml ¦ /phpunit.xml ¦ /karma.conf.js ¦ /webpack.config.js ¦ /env.js ¦ /config.js
  ¦ /static/config.js ¦ /assets/env.json ¦ /firebase.json ¦ /google-services.json ¦ /service-account.json
  ¦ /credentials.json ¦ /secrets.json ¦ /oauth-credentials.json ¦ /«word».properties ¦ /«coined».conf ¦ /«coined».ini
  ¦ /inc/config.inc ¦ /includes/settings.inc ¦ /sites/default/settings.php.bak ¦ /etc/config/«word»
backup := *2 /backup.«bext» ¦ /«word».«bext» ¦ /www.«bext» ¦ /site.«bext» ¦ /db.«bext» ¦ /database.«bext» ¦ /dump.sql
  ¦ /«word».sql ¦ /mysql.sql ¦ /backup/«word».«bext» ¦ /backups/ ¦ /backup/ ¦ /bak/ ¦ /old/ ¦ /«coined».«bext»
  ¦ /wwwroot.«bext» ¦ /html.«bext» ¦ /public_html.«bext» ¦ /website.«bext»
  ¦ /index.php«=.bak~~~.old~.swp~.save~.orig~.1~.txt» ¦ /.index.php.swp ¦ /«word».php.«=bak~old~save~orig~txt~1~swo»
  ¦ /«word».bak ¦ /users.«=csv~xls~xlsx~sql~json~txt» ¦ /accounts.«=xls~sql~csv» ¦ /passwords.txt
  ¦ /password.«=txt~xls~log» ¦ /1.«=zip~sql~rar~txt» ¦ /test.«=zip~sql~txt~log» ¦ /localhost.sql
  ¦ /wp-content/uploads/dump.sql ¦ /wp-content/backup-«rand»/ ¦ /wp-content/uploads/backupbuddy_backups/
  ¦ /wp-content/uploads/«word»/«word»-export.csv ¦ /wp-content/ai1wm-backups/
  ¦ /administrator/components/com_«coined»/backup/ ¦ /data/«word».«=mdb~db~sqlite~sqlite3~json~csv» ¦ /db/«word».sqlite3
  ¦ /db.sqlite3 ¦ /database.sqlite ¦ /«word».mdb ¦ /«word».db ¦ /var/«word».sql.gz ¦ /export/«word».csv
  ¦ /files/«word».xlsx ¦ /«year»«dd».tar.gz ¦ /backup-«year»-«dd»-«dd».zip ¦ /full_backup.tar
  ¦ /«coined»_backup_«big».zip ¦ /archive.tar.gz ¦ /upload.zip ¦ /src.zip ¦ /source.tar.gz ¦ /ROOT.war ¦ /«coined».war
  ¦ /«word».jar ¦ /heapdump.hprof ¦ /core.«int»
bext := *2 zip ¦ *2 sql ¦ tar.gz ¦ tgz ¦ rar ¦ bak ¦ 7z ¦ tar ¦ sql.gz ¦ gz ¦ sql.bak ¦ tar.bz2 ¦ old ¦ dump ¦ bz2 ¦ xz
log := *2 /error_log ¦ /error.log ¦ /access.log ¦ /access_log ¦ /debug.log ¦ /wp-content/debug.log
  ¦ /storage/logs/laravel.log ¦ /logs/«word».log ¦ /log/«word».log ¦ /logs/ ¦ /log/ ¦ /«word».log ¦ /var/log/«word».log
  ¦ /log/production.log ¦ /log/development.log ¦ /log/system.log ¦ /npm-debug.log ¦ /yarn-error.log ¦ /logs/error.txt
  ¦ /application/logs/log-«year»-0«small»-«dd».php ¦ /runtime/logs/app.log ¦ /Runtime/Logs/«year»0«small»/«dd»_«dd».log
  ¦ /var/log/exception.log ¦ /tmp/«word».log ¦ /protected/runtime/application.log ¦ /app/logs/dev.log ¦ /sql.log
  ¦ /mysql.log ¦ /ftp.log ¦ /php_errors.log ¦ /errors.log ¦ /install.log ¦ /sitemanager.log ¦ /lfm.php ¦ /error.txt
  ¦ /wp-content/uploads/«word»/«word».log ¦ /cgi-bin/«word».log ¦ /syslog.htm ¦ /logfile ¦ /log_view ¦ /messages.txt
  ¦ /«word»-errors.log ¦ /storage/debugbar/«rand».json ¦ /catalina.out
  ¦ /logs/localhost_access_log.«year»-0«small»-«dd».txt ¦ /session_log.php
debug := *3 /phpinfo.php ¦ *2 /info.php ¦ /test.php ¦ /php.php ¦ /i.php ¦ /pi.php ¦ /phpversion.php ¦ /infophp.php
  ¦ /_profiler/phpinfo ¦ /_profiler/latest ¦ /app_dev.php/_profiler/open?file=app/config/parameters.yml ¦ /app_dev.php
  ¦ /_debugbar/open?max=20&offset=0 ¦ /telescope/requests ¦ /horizon/api/stats ¦ /debug ¦ /debug/default/view
  ¦ /debug/pprof/ ¦ /debug/pprof/heap ¦ /debug/vars ¦ /debug/requests ¦ /__debug__/render_panel/ ¦ /console
  ¦ /rails/info/properties ¦ /rails/info/routes ¦ /_debug ¦ /__clockwork/latest ¦ /?debug=1
  ¦ /?XDEBUG_SESSION_START=«rand» ¦ /index.php?-s ¦ /«word».php?=PHPE9568F36-D428-11d2-A769-00AA001ACF42
  ¦ /examples/servlets/servlet/SnoopServlet ¦ /snoop.jsp ¦ /printenv ¦ /cgi-bin/printenv.pl ¦ /cgi-bin/test-cgi
  ¦ /cgi-bin/test.cgi ¦ /env ¦ /test.cgi ¦ /adminer.php ¦ /?phpinfo=1 ¦ /dev/«word» ¦ /_wpeprivate/config.json
  ¦ /vendor/phpunit/phpunit/phpunit.xml ¦ /vendor/composer/installed.json ¦ /server-info ¦ /getinfo ¦ /sysinfo
  ¦ /systeminfo ¦ /diagnostics ¦ /diag.html ¦ /stacktrace ¦ /dump ¦ /trace ¦ /heapdump ¦ /threads ¦ /config-dump
  ¦ /config_dump ¦ /__webpack_hmr ¦ /source.map ¦ /static/js/main.«hex8».js.map ¦ /assets/index.js.map
actuator := *3 /actuator/«act» ¦ /«=manage~management~admin~api/actuator~monitor~gateway/actuator~app/actuator»/«act»
  ¦ /actuator ¦ /«act» ¦ /«coined»/actuator/«act» ¦ /actuator;/«act»
  ¦ /actuator/env/«=spring.datasource.password~java.version~user.dir» ¦ /actuator/heapdump;.css ¦ /jolokia/list
  ¦ /jolokia/version ¦ /jolokia/read/java.lang:type=Memory/HeapMemoryUsage ¦ /api/jolokia/search/*:* ¦ /%61ctuator/«act»
  ¦ /actuator/gateway/routes ¦ /druid/index.html ¦ /druid/websession.html ¦ /druid/sql.html ¦ /hystrix.stream
  ¦ /eureka/apps ¦ /hawtio/jmx/attributes
act := *3 env ¦ *2 heapdump ¦ health ¦ info ¦ mappings ¦ beans ¦ configprops ¦ loggers ¦ metrics ¦ httptrace ¦ trace
  ¦ threaddump ¦ dump ¦ auditevents ¦ logfile ¦ sessions ¦ scheduledtasks ¦ conditions ¦ autoconfig ¦ caches
  ¦ prometheus ¦ jolokia ¦ startup ¦ features ¦ refresh ¦ flyway ¦ liquibase ¦ quartz ¦ nacos-discovery
api_doc := *2 /swagger-ui.html ¦ /swagger-ui/index.html ¦ /swagger.json ¦ /swagger/v1/swagger.json ¦ /v2/api-docs
  ¦ /v3/api-docs ¦ /openapi.json ¦ /api-docs ¦ /api/swagger.json ¦ /api/docs ¦ /docs ¦ /redoc ¦ /swagger-resources
  ¦ /api/openapi.yaml ¦ /graphql?query={__schema{types{name}}} ¦ /graphiql ¦ /playground ¦ /application.wadl
  ¦ /«word»?wsdl ¦ /services/«coined|cap»Service?wsdl ¦ /«word».asmx?WSDL ¦ /api/v«small»/docs.json ¦ /doc.html
  ¦ /apidocs ¦ /postman_collection.json ¦ /webjars/swagger-ui/index.html ¦ /axis2/services/listServices
  ¦ /_ah/api/explorer ¦ /api/ ¦ /rest/api/2/serverInfo
status := *2 /server-status ¦ /server-status?auto ¦ /nginx_status ¦ /status ¦ /status?full&json ¦ /fpm-status
  ¦ /stub_status ¦ /haproxy?stats ¦ /haproxy_stats ¦ /metrics ¦ /healthz ¦ /health ¦ /version ¦ /version.txt
  ¦ /api/version ¦ /build.json ¦ /info.json ¦ /manifest.json ¦ /.well-known/security.txt ¦ /readme.html ¦ /README.md
  ¦ /CHANGELOG.txt ¦ /CHANGELOG.md ¦ /INSTALL.txt ¦ /LICENSE.txt ¦ /robots.txt ¦ /sitemap.xml ¦ /opcache.php ¦ /apc.php
  ¦ /apcu.php ¦ /memcache.php ¦ /_cat/indices?v ¦ /_cluster/settings ¦ /_nodes ¦ /_search?pretty ¦ /_mapping ¦ /_all_dbs
  ¦ /solr/admin/cores?wt=json ¦ /v1/agent/self ¦ /v1/catalog/services ¦ /v2/_catalog ¦ /v2/keys/?recursive=true
  ¦ /api/v1/pods ¦ /api/v1/namespaces ¦ /stats/prometheus ¦ /clusters ¦ /routes ¦ /ws/v1/cluster/info ¦ /jobs ¦ /logs
  ¦ /conf ¦ /stacks ¦ /api/v1/targets ¦ /api/v1/status/config ¦ /federate?match[]=up ¦ /varz ¦ /connz ¦ /status.json
  ¦ /nodes ¦ /nodesync ¦ /cacti/log/ ¦ /ganglia/ ¦ /munin/ ¦ /balancer-manager ¦ /manager/status
listing := /uploads/ ¦ /files/ ¦ /images/ ¦ /wp-content/uploads/ ¦ /wp-content/plugins/«coined»/ ¦ /wp-includes/
  ¦ /download/ ¦ /data/ ¦ /tmp/ ¦ /temp/ ¦ /export/ ¦ /documents/ ¦ /attachments/ ¦ /assets/ ¦ /«word»/ ¦ /includes/
  ¦ /inc/ ¦ /ftp/ ¦ /share/ ¦ /media/ ¦ /conf/ ¦ /private/ ¦ /storage/ ¦ /database/ ¦ /sql/ ¦ /invoices/ ¦ /cache/
  ¦ /%3f.jsp ¦ /?M=A ¦ /«word»/?C=N;O=D ¦ /.%2e/ ¦ /index.jsp%20 ¦ /«word».jsp%70 ¦ /«word».php/. ¦ /«word».asp::$DATA
  ¦ /«word».js%70 ¦ /%2f/
device := /cgi-bin/«=ExportSettings.sh~config.exp~export_debug_msg.exp~getcfg~download.cgi~luci~status.cgi~sysinfo.cgi~snapshot.cgi~firmware.cgi»
  ¦ /config.bin ¦ /config.dat ¦ /rom-0 ¦ /backup.conf ¦ /backupsettings.conf ¦ /romfile.cfg ¦ /currentsetting.htm
  ¦ /setup.cgi?todo=debug ¦ /getcfg.php ¦ /HNAP1/ ¦ /System/configurationFile ¦ /onvif-http/snapshot ¦ /snapshot.jpg
  ¦ /tmpfs/auto.jpg ¦ /hosts?«word»=1 ¦ /userRpm/WanDynamicIpCfgRpm.htm ¦ /wlsecurity.html ¦ /password.html
  ¦ /passwd.json ¦ /DevInfo.txt ¦ /device.rsp?opt=«word»&cmd=list ¦ /dumpmdm.cmd ¦ /psoc/«word».xml ¦ /get_status.cgi
  ¦ /get_params.cgi ¦ /mnt/mtd/Config/Account1 ¦ /current_config/passwd ¦ /api/system/deviceinfo ¦ /menu/neo
  ¦ /etc/RT2870STA.dat ¦ /log.txt ¦ /goform/«coined|cap» ¦ /jsonp/«word» ¦ /web/info.php ¦ /«word».rsp ¦ /status.xml
  ¦ /PRESENTATION/«coined|upper»/TOP ¦ /xml/«word».xml ¦ /hp/device/this.LCDispatcher ¦ /networkMap.html
  ¦ /maintenance/backup.cgi ¦ /setup/password ¦ /get_set.ccp ¦ /wan.htm ¦ /sess-bin/«word».cgi ¦ /syno-api/«word»/info
  ¦ /NAS/«word»/config ¦ /«coined».cfg ¦ /FileManager/«word».cfg
cms := /wp-json/wp/v2/users ¦ /wp-json/wp/v2/users/?per_page=100 ¦ /?rest_route=/wp/v2/users ¦ /?author=«small»
  ¦ /wp-json/«coined»/v1/«word» ¦ /wp-content/plugins/«coined»/readme.txt ¦ /wp-content/plugins/«coined»/«word».log
  ¦ /wp-content/uploads/«coined»/«word».txt ¦ /wp-content/themes/«coined»/«word».php ¦ /wp-admin/install.php
  ¦ /wp-admin/setup-config.php ¦ /wp-cron.php ¦ /wp-content/uploads/wpdm-cache/
  ¦ /administrator/manifests/files/joomla.xml ¦ /jsonapi/user/user ¦ /user/«small» ¦ /CHANGELOG.txt
  ¦ /core/CHANGELOG.txt ¦ /magmi/conf/magmi.ini ¦ /downloader/ ¦ /var/export/ ¦ /rss/order/new
  ¦ /typo3conf/LocalConfiguration.php ¦ /fileadmin/ ¦ /system/config/«word».php ¦ /ghost/api/v3/content/posts/
  ¦ /rest/api/user?username=admin ¦ /rest/api/latest/groupuserpicker?query=admin
  ¦ /secure/ManageFilters.jspa?filterView=popular ¦ /secure/QueryComponent!Default.jspa ¦ /plugins/servlet/«word»
  ¦ /s/«rand20»/_/WEB-INF/web.xml ¦ /content.infinity.json ¦ /bin/querybuilder.json?path=/home
  ¦ /system/sling/«word».json ¦ /.json ¦ /crx/de/index.jsp ¦ /api/v4/users/«small» ¦ /explore/repos
  ¦ /api/v1/users/search?q= ¦ /people?name= ¦ /script/ ¦ /asynchPeople/ ¦ /securityRealm/user/admin/search/index?q=a
  ¦ /api/users ¦ /users.json ¦ /lostpassword
keys := /id_rsa ¦ /.ssh/id_ed25519 ¦ /server.key ¦ /privatekey.key ¦ /private.pem ¦ /«coined».pem ¦ /«coined».key
  ¦ /cert.p12 ¦ /keystore.jks ¦ /jwt/private.pem ¦ /ssl/server.key ¦ /putty.ppk ¦ /host.key
  ¦ /.well-known/openid-configuration ¦ /oauth/keys ¦ /api/keys ¦ /wallet.dat ¦ /secring.gpg ¦ /id_dsa ¦ /my.key
  ¦ /certs/«word».pfx ¦ /key.txt ¦ /token.txt ¦ /.vault-token ¦ /api/token/list ¦ /license.key
cloud := /.aws/config ¦ /.kube/config ¦ /.docker/config.json ¦ /.azure/accessTokens.json
  ¦ /.config/gcloud/credentials.db ¦ /latest/meta-data/ ¦ /computeMetadata/v1/project/ ¦ /.elasticbeanstalk/config.yml
  ¦ /serverless.yml ¦ /template.yaml ¦ /cloud-config.yml ¦ /.chef/config.rb ¦ /puppet/ssl/ca/ca_key.pem ¦ /?list-type=2
  ¦ /?prefix=&delimiter=/ ¦ /minio/health/cluster ¦ /api/v1/nodes ¦ /helm/values.yaml ¦ /pods ¦ /v1/secret/data/«word»
install := /install.php ¦ /install/ ¦ /installer.php ¦ /installer-log.txt ¦ /setup.php ¦ /install/index.php?step=«small»
  ¦ /setup/index.jsp ¦ /installation/index.php ¦ /upgrade.php ¦ /update.php ¦ /install.lock
  ¦ /phpmyadmin/setup/index.php ¦ /INSTALL.sql ¦ /web/setup
query_leak := /«word».php?«=debug~test~dump~info~verbose~trace~showerrors»=«=1~true~on~all»
  ¦ /«word»/export?format=«=csv~json~xml~xls»&«name»=all
  ¦ /index.php?option=com_«coined»&view=«word»&format=«=json~raw~csv»
  ¦ /wp-admin/admin-ajax.php?action=«coined»_«=get_users~export~get_logs~download_log~get_settings~system_info~backup_list»
  ¦ /wp-admin/admin-post.php?action=«=export~download»_«word» ¦ /?«coined»_«=export~download~debug~log»=1
  ¦ /«word»/download?«=id~file~name»=«=backup.zip~config.xml~users.csv~debug.log~settings.json»
  ¦ /download.php?f=«=config~backup~error»«=.log~.sql~.zip»
  ¦ /api/«word»?«=fields~select~include»=«=password~*~password,token~all~secret»
  ¦ /rest/v«small»/«word»?limit=«int»&offset=0 ¦ /api/users?page=1&per_page=«int» ¦ /search?q=*&size=«int»
  ¦ /cgi-bin/«word».cgi?«=action~cmd»=«=getinfo~export~get~dump~listuser~getuser»
  ¦ /getFile?fileName=«=config.xml~users.xml~log.txt» ¦ /«word».do?method=«=export~list~showAll~getConfig»
  ¦ /servlet/«coined|cap»?«=op~cmd~type»=«=dump~status~properties»
  ¦ /«word».jsp?«=view~show~page»=«=properties~env~system~version» ¦ /mailsms/s?func=ADMIN:appState&dumpConfig=/
  ¦ /getConfig?«name»=«word» ¦ /logs?tail=«int» ¦ /log/view?filename=«word».log&base=../../ ¦ /?s=captcha&test=-1
  ¦ /api/config?key=«=database~smtp~all~ldap» ¦ /«word»?mode=debug&level=«small»
  ¦ /«word».aspx?«=id~key»=«small»&showall=true ¦ /proc.php?«word»=env
api_leak := *2 /api/v«small»/«=users~accounts~customers~employees~members~profiles~orders~tokens~sessions~keys»
  ¦ /api/«=users~user/list~admin/users~account/all~customers~contacts»
  ¦ /api/v«small»/«=config~settings~system/info~status~env~secrets~credentials~ldap~smtp~backup~logs~audit~license~version»
  ¦ /rest/«=users~config~system~admin/config~settings~info» ¦ /«coined»/api/«word»/«=list~all~export~dump»
  ¦ /services/«word»/«=getAll~list~export» ¦ /ws/«word»/«=users~settings» ¦ /odata/Users ¦ /odata/$metadata
  ¦ /api/v«small»/«word»/«int» ¦ /api/user/«int»/profile ¦ /internal/«word» ¦ /private/api/«word»
  ¦ /admin/api/«=config~users~stats» ¦ /api/settings/values ¦ /api/frontend/settings ¦ /api/public/config
  ¦ /api/system/environment ¦ /_api/«word» ¦ /_vti_bin/«word».asmx ¦ /_layouts/«word».aspx
  ¦ /api/geojson?url=file://«unix_file» ¦ /api/«word»/search?keyword=&limit=«int» ¦ /apis/«word».k8s/v1
  ¦ /cluster/«word»/config ¦ /api/v1/«word»/_export ¦ /api/snapshots/:key
error_probe := /«word».php?«name»[]=«small» ¦ /«word».php?«name»[]=&«name»[]= ¦ /index.php?«name»=%00
  ¦ /«word».aspx?«name»=<«ab» ¦ /«word».jsp?«name»= ¦ /%ff ¦ /«rand».«=jsp~aspx~php~do~cfm» ¦ /«word»/«rand»%27
  ¦ /«word».php?«name»=«big»«big» ¦ /«word»/-1 ¦ /api/«word»/undefined ¦ /«word»?«name»=NaN ¦ /«word»/%2e%2e%2f
  ¦ /con.aspx ¦ /«word».asp/ ¦ /«rand20» ¦ /«word»;jsessionid=«hex32» ¦ /*~1*/.aspx ¦ /«word»*~1*.*
  ¦ /error?«name»=«rand»
graphql := {"query":"{__schema{types{name fields{name}}}}"}
  ¦ {"query":"query IntrospectionQuery{__schema{queryType{name} mutationType{name} types{...F}}} fragment F on __Type{kind name}"}
  ¦ {"query":"{ users { id email name role } }"}
  ¦ {"query":"query { «=users~accounts~allUsers~members»(first: «int») { edges { node { id username «=email~passwordHash~token~apiKey» } } } }"}
  ¦ {"operationName":null,"variables":{},"query":"{ «=system~config~serverInfo~settings» { version «word» } }"}
  ¦ {"query":"{__type(name:\"User\"){fields{name type{name}}}}"}
  ¦ {"query":"{ search(query:\"\") { __typename ... on User { email } } }"}
form_leak := action=«coined»_«=get_users~export_data~get_log~list_files~get_options~sysinfo»
  ¦ «=cmd~action~op~do»=«=list~getinfo~phpinfo~getconfig~showlog~getUsers~dump» ¦ method=getAll&«name»=«small»
  ¦ email=«word»@«zone»&action=forgot ¦ username=admin&action=checkuser ¦ «name»=*&limit=«int»&export=csv
  ¦ draw=1&start=0&length=«int» ¦ _method=GET&table=users ¦ query=&page=1&pageSize=«int» ¦ getProfile=1&id=«small»
message := OPTIONS /«word»«nl»«nl» ¦ TRACE /«nl»X-«coined|cap»: «rand»«nl»«nl» ¦ PROPFIND /«word»/«nl»Depth: 1«nl»«nl»
  ¦ DEBUG /«word».aspx«nl»Command: stop-debug«nl»«nl» ¦ GET /«word»«nl»Range: bytes=-«int»,-«big»«nl»«nl»
  ¦ GET /«nl»Translate: f«nl»«nl» ¦ GET /«word».asp«nl»Translate: f«nl»«nl»
  ¦ GET /api/«word»«nl»Origin: https://«attacker»«nl»«nl» ¦ GET /«word»«nl»X-Debug: 1«nl»«nl»
  ¦ GET /«word».php«nl»X-Forwarded-For: 127.0.0.1«nl»X-Debug-Token: «hex8»«nl»«nl»
  ¦ GET /api/users/me«nl»Origin: null«nl»«nl» ¦ INDEX /«word»/«nl»«nl»
"""  # noqa: E501
