# Storage Spaces Direct of the cluster, as this node sees it: virtual disks, repairs, pools, maintenance mode.
# Dot-sourced by Watari.HyperV.psm1. Where the cluster does not have it, nothing is asked: a SAN is not ours to judge.

$script:StorageSpace = 'root/Microsoft/Windows/Storage'

# HealthStatus by its numbers.
$script:HealthWords = @{ 0 = 'Healthy'; 1 = 'Warning'; 2 = 'Unhealthy' }

# CIM_ConcreteJob.JobState: 7 and above are over, but for 11 (Service) and 12 (QueryPending).
$script:JobOver = @(7, 8, 9, 10)
$script:JobSuspended = 5

$script:InMaintenance = 'In Maintenance Mode'

# The Storage module, once it is loaded, gives these classes properties of its own under the same names, which make
# words of the numbers, perhaps in the language of Windows. -1 where nothing is told.
function Read-StorageNumber {
    param($Instance, [string]$Name)
    $raw = $Instance.PSObject.BaseObject
    $value = if ($raw -is [Microsoft.Management.Infrastructure.CimInstance]) { $raw.PSBase.CimInstanceProperties[$Name].Value } else { Read-Property $Instance $Name }
    if ($null -eq $value) { return -1 }
    [int]$value
}

function Get-HealthWord {
    param($Instance)
    $word = $script:HealthWords[(Read-StorageNumber $Instance 'HealthStatus')]
    if ($null -eq $word) { return 'Unknown' }
    $word
}

function Test-StorageSpacesDirect {
    $cluster = Invoke-Recorded { FailoverClusters\Get-Cluster }
    [int](Read-Property $cluster 'S2DEnabled') -eq 1
}

# The scale unit of a node has its name; domain nodes may have their DNS suffix in it.
function Get-ScaleUnit {
    Invoke-Recorded { Storage\Get-StorageFaultDomain -Type StorageScaleUnit } | ForEach-Object {
        @{
            Node      = ([string]$_.FriendlyName).Split('.')[0]
            Unit      = $_
            IsResting = @($_.OperationalStatus | ForEach-Object { [string]$_ }) -contains $script:InMaintenance
        }
    }
}

function Get-WatariStorage {
    <#
    .SYNOPSIS
    Tells whether the cluster has Storage Spaces Direct, and of it: virtual disks, pools, jobs, nodes in maintenance mode.
    .EXAMPLE
    Get-WatariStorage
    #>
    [CmdletBinding()]
    param()
    Assert-Cluster
    $facts = [ordered]@{ direct = [bool](Test-StorageSpacesDirect); virtualDisks = @(); pools = @(); jobs = @(); inMaintenance = @() }
    if ($facts.direct) {
        $facts.virtualDisks = @(Invoke-Recorded { CimCmdlets\Get-CimInstance -Namespace $script:StorageSpace -ClassName MSFT_VirtualDisk } |
                ForEach-Object { [ordered]@{ name = [string]$_.FriendlyName; health = Get-HealthWord $_ } })
        # The primordial pool is the drives that are in none.
        $facts.pools = @(Invoke-Recorded { CimCmdlets\Get-CimInstance -Namespace $script:StorageSpace -ClassName MSFT_StoragePool } |
                Where-Object { -not [bool]$_.IsPrimordial } |
                ForEach-Object { [ordered]@{ name = [string]$_.FriendlyName; health = Get-HealthWord $_ } })
        $facts.jobs = @(Invoke-Recorded { CimCmdlets\Get-CimInstance -Namespace $script:StorageSpace -ClassName MSFT_StorageJob } |
                Where-Object { $script:JobOver -notcontains (Read-StorageNumber $_ 'JobState') } |
                ForEach-Object {
                    [ordered]@{
                        name       = [string]$_.Name
                        suspended  = (Read-StorageNumber $_ 'JobState') -eq $script:JobSuspended
                        bytesDone  = [long]$_.BytesProcessed
                        bytesTotal = [long]$_.BytesTotal
                    }
                })
        $facts.inMaintenance = @(Get-ScaleUnit | Where-Object { $_.IsResting } | ForEach-Object { $_.Node })
    }
    [pscustomobject]$facts
}

function Set-WatariStorageMaintenance {
    <#
    .SYNOPSIS
    Puts the drives of a node into maintenance mode, or takes them out of it. Windows refuses where data would lose its last copy.
    .PARAMETER Node
    Name of the node.
    .PARAMETER On
    Into maintenance mode; otherwise out of it.
    .EXAMPLE
    Set-WatariStorageMaintenance -Node HV2 -On $true
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][string]$Node, [Parameter(Mandatory = $true)][bool]$On)
    Invoke-InTurn -Of Set-WatariStorageMaintenance -Work {
        Assert-Cluster
        $changed = $false
        # On other storage there is nothing to rest.
        if (Test-StorageSpacesDirect) {
            $found = @(Get-ScaleUnit | Where-Object { $_.Node -eq $Node })
            if ($found.Count -eq 0) {
                throw (New-ModuleError -Id 'BadRequest' -Category ObjectNotFound -Target $Node -Message (
                        "The storage of the cluster has no scale unit called '$Node'."))
            }
            $unit = $found[0].Unit
            $changed = $found[0].IsResting -ne $On
            if ($changed -and $On) {
                try { $null = Invoke-Recorded { Storage\Enable-StorageMaintenanceMode -InputObject $unit } }
                catch {
                    throw (New-ModuleError -Id 'StorageNotHealthy' -HResult (Read-ErrorCode $_) -Target $Node -Message (
                            "Windows does not let the drives of $Node rest: $($_.Exception.Message)"))
                }
            }
            elseif ($changed) { $null = Invoke-Recorded { Storage\Disable-StorageMaintenanceMode -InputObject $unit } }
        }
        [pscustomobject][ordered]@{ changed = $changed }
    }
}
