// Dashboards as functions: each returns a piece of Grafana's JSON. Nothing here knows a metric of redline's but
// the annotations, which all dashboards share.
{
  local source = { type: 'prometheus', uid: '${datasource}' },

  // What every selector of a panel has.
  matchers:: 'job=~"$job", instance=~"$instance"',
  // A selector: of('redis_up') or of('redis_up', 'role="master"').
  of(metric, more=''):: '%s{%s%s}' % [metric, $.matchers, if more == '' then '' else ', ' + more],
  rate(metric, more=''):: 'rate(%s[$__rate_interval])' % $.of(metric, more),

  // -------------------------------------------------------------------------------------------------
  // Variables

  local dataSource = {
    name: 'datasource',
    label: 'Data source',
    type: 'datasource',
    query: 'prometheus',
    current: { text: 'Prometheus', value: 'prometheus' },
    hide: 0,
  },

  // The values of `label` among the series of `selector`; all of them at first.
  variable(name, label, selector, of=name):: {
    name: name,
    label: label,
    type: 'query',
    datasource: source,
    query: 'label_values(%s, %s)' % [selector, of],
    definition: self.query,
    refresh: 2,  // also when the time range changes: runs come and go
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.+',
    current: { text: ['All'], value: ['$__all'] },
  },

  // -------------------------------------------------------------------------------------------------
  // Panels

  query(expr, legend, more={}):: {
    datasource: source,
    expr: std.strReplace(std.strReplace(expr, '\n', ' '), '  ', ' '),
    legendFormat: legend,
  } + more,

  local panel(type, title, description, unit, queries) = {
    type: type,
    title: title,
    description: description,
    datasource: source,
    fieldConfig: { defaults: { unit: unit }, overrides: [] },
    targets: std.mapWithIndex(function(i, q) q { refId: std.char(65 + i) }, queries),
    width:: 12,
    height:: 8,
  },

  series(title, description, unit, queries):: panel('timeseries', title, description, unit, queries) {
    fieldConfig+: { defaults+: { min: 0, custom: { drawStyle: 'line', lineWidth: 1, fillOpacity: 8, showPoints: 'never' } } },
    options: {
      legend: { displayMode: 'table', placement: 'bottom', calcs: ['mean', 'max', 'lastNotNull'] },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  },
  // Of what is there or not: 0 and 1 by the time.
  states(title, description, queries):: panel('state-timeline', title, description, 'none', queries) {
    fieldConfig+: {
      defaults+: {
        color: { mode: 'thresholds' },
        thresholds: { mode: 'absolute', steps: [{ color: 'transparent', value: null }, { color: 'orange', value: 1 }] },
      },
    },
    options: { showValue: 'never', mergeValues: true, legend: { showLegend: false } },
  },
  stat(title, description, unit, queries):: panel('stat', title, description, unit, queries) {
    width:: 4,
    height:: 4,
    options: { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'none', graphMode: 'area' },
  },
  bars(title, description, unit, queries):: panel('bargauge', title, description, unit, queries) {
    fieldConfig+: { defaults+: { min: 0 } },
    options: { reduceOptions: { calcs: ['lastNotNull'] }, orientation: 'horizontal', displayMode: 'gradient' },
  },
  // A row of cells for each series, or for each bucket of a histogram (format: heatmap).
  heat(title, description, unit, queries):: panel('heatmap', title, description, unit, queries) {
    width:: 24,
    height:: 10,
    options: {
      calculate: false,
      color: { mode: 'scheme', scheme: 'Oranges', steps: 64 },
      cellGap: 0,
      yAxis: { unit: unit },
      tooltip: { show: true },
    },
  },
  buckets(expr):: $.query(expr, '{{le}}', { format: 'heatmap' }),

  row(title, panels):: { title: title, panels: panels },

  // -------------------------------------------------------------------------------------------------
  // The page

  // Panels from left to right, a new line where one does not fit; each row below the one before.
  local placed(rows) =
    local place(state, p) =
      local fits = state.x + p.width <= 24;
      local x = if fits then state.x else 0;
      local y = if fits then state.y else state.y + state.line;
      {
        x: x + p.width,
        y: y,
        line: if fits then std.max(state.line, p.height) else p.height,
        panels: state.panels + [p { id: std.length(state.panels) + 1, gridPos: { x: x, y: y, w: p.width, h: p.height } }],
      };
    local begin(state, title) =
      local y = state.y + state.line;
      state {
        x: 0,
        y: y + 1,
        line: 0,
        panels+: [{
          type: 'row',
          title: title,
          collapsed: false,
          panels: [],
          id: std.length(state.panels) + 1,
          gridPos: { x: 0, y: y, w: 24, h: 1 },
        }],
      };
    std.foldl(function(state, r) std.foldl(place, r.panels, begin(state, r.title)), rows, { x: 0, y: 0, line: 0, panels: [] }).panels,

  local annotation(name, color, expr, title) = {
    name: name,
    datasource: source,
    enable: true,
    iconColor: color,
    expr: expr,
    step: '1s',
    titleFormat: title,
  },

  dashboard(uid, title, description, variables, rows):: {
    uid: 'redline-' + uid,
    title: 'redline: ' + title,
    description: description,
    tags: ['redline'],
    editable: false,
    graphTooltip: 1,  // one cursor for all panels
    refresh: '5s',
    time: { from: 'now-5m', to: 'now' },
    timepicker: { refresh_intervals: ['1s', '5s', '30s', '1m'] },
    timezone: 'browser',
    schemaVersion: 39,
    templating: { list: [dataSource] + variables },
    annotations: {
      list: [
        annotation('Faults', 'red', 'redline_fault_active > 0', '{{fault}}'),
        annotation('Alerts', 'orange', 'ALERTS{alertstate="firing"}', '{{alertname}} {{instance}}'),
      ],
    },
    links: [{
      type: 'dashboards',
      title: 'redline',
      tags: ['redline'],
      asDropdown: false,
      includeVars: false,
      keepTime: true,
      icon: 'dashboard',
    }],
    panels: placed(rows),
  },
}
